import { html } from 'hono/html';
import type { Block } from '../../guard/block.ts';
import { describeBlock } from '../api/explain-account.ts';
import { actionButton, badge, type Column, type Content, type Markup, name, table } from './markup.ts';
import { accountLink, type PageParts } from './page.ts';
import { since, until } from './words.ts';

interface BlockTableOptions {
  readonly parts: PageParts;
  readonly mayLift: boolean;
  /** What the list of blocks is searched by, behind the lift. */
  readonly search: string;
  readonly empty: string;
}

/** Blocks and exemptions: whom, why, until when, and a button that ends them. */
export function blockTable(blocks: readonly Block[], options: BlockTableOptions): Markup {
  return table(blocks, {
    caption: 'Blocks and exemptions, those that end last first',
    columns: columnsFor(options),
    empty: options.empty,
  });
}

function columnsFor({ parts: { ports, nowMs }, mayLift, search }: BlockTableOptions): readonly Column<Block>[] {
  const now = nowMs();
  const lift: Column<Block> = {
    title: 'Lift it',
    cell: ({ id, subject, effect }) =>
      actionButton({
        action: '/ui/blocks/lift',
        label: effect === 'block' ? 'Lift' : 'Take back',
        id: `lift-${id}`,
        description: `${effect === 'block' ? 'Lift the block of' : 'Take the exemption back of'} ${subject}`,
        fields: { id, search },
      }),
  };
  return [
    { title: 'Whom', isHeading: true, cell: describeSubject },
    {
      title: 'What',
      cell: ({ effect }) => (effect === 'block' ? badge('blocked', 'bad') : badge('exempt', 'good')),
    },
    {
      title: 'Why',
      cell: (block) => explain(block, { limits: ports.limits(), now }),
    },
    {
      title: 'Until',
      cell: ({ untilMs }) => (untilMs === undefined ? 'it is lifted' : until(untilMs, now)),
    },
    ...(mayLift ? [lift] : []),
  ];
}

function describeSubject({ subject }: Block): Content {
  const pair = / from (\S+)$/.exec(subject);
  if (pair !== null) {
    return html`${accountLink(subject.slice(0, pair.index))} <small>from ${pair[1] ?? ''}</small>`;
  }
  return subject.includes('@') && !subject.startsWith('*') ? accountLink(subject) : name(subject);
}

function explain(
  { limit, subject, strikes = 1, reason, by, addedAtMs }: Block,
  { limits, now }: { readonly limits: Parameters<typeof describeBlock>[1]['limits']; readonly now: number },
): Content {
  if (limit !== undefined) {
    const again = strikes > 1 ? `; ${strikes} times in a row` : '';
    return html`${describeBlock(limit, { limits, subject })}${again}. <small>${limit}</small>`;
  }
  const added = addedAtMs === undefined ? '' : since(addedAtMs, now);
  return html`${name(reason ?? 'No reason given')} <small>by ${by ?? 'an operator'} ${added}</small>`;
}
