import { z } from '@hono/zod-openapi';
import type { Block } from '../../guard/block.ts';
import { maskedKey, readAddress, readIpBlock } from '../../policy/guard/ip-block.ts';
import { limitNames } from '../../policy/login-limits.ts';
import { isoTimeOrNull, timeSchema } from './paging.ts';

/** A block or an entry of an operator's, as the API shows it. */
export const blockSchema = z
  .object({
    id: z.string(),
    effect: z.enum(['block', 'allow']),
    origin: z.enum(['automatic', 'manual']),
    limit: z.enum(limitNames).nullable().openapi({ description: 'Null for an entry of an operator’s.' }),
    subject: z.string().openapi({ description: 'An address, a network, an account, or `account from address`.' }),
    until: timeSchema.nullable().openapi({ description: 'Null: until it is lifted.' }),
    strikes: z.int().nullable().openapi({ description: 'How many blocks in a row, this one included.' }),
    reason: z.string().nullable(),
    by: z.string().nullable().openapi({ description: 'The name of the token that added it.' }),
    addedAt: timeSchema.nullable(),
  })
  .openapi('Block');

/** Shows a block. */
export function viewBlock({ id, effect, origin, limit, subject, untilMs, strikes, reason, by, addedAtMs }: Block) {
  return {
    id,
    effect,
    origin,
    limit: limit ?? null,
    subject,
    until: isoTimeOrNull(untilMs),
    strikes: strikes ?? null,
    reason: reason ?? null,
    by: by ?? null,
    addedAt: isoTimeOrNull(addedAtMs),
  };
}

/** Whether a block is about an account, alone or from an address. */
export function concernsAccount({ subject }: Pick<Block, 'subject'>, account: string): boolean {
  if (subject === account || subject.startsWith(`${account} from `)) return true;
  const domain = account.slice(account.lastIndexOf('@'));
  return domain.startsWith('@') && subject === `*${domain}`;
}

/** Whether a block is about an address or a network around it, alone or with an account. */
export function concernsAddress({ subject }: Pick<Block, 'subject'>, address: string): boolean {
  const groups = readAddress(address);
  const block = readIpBlock(subject.slice(subject.lastIndexOf(' ') + 1));
  if (groups === undefined || block === undefined || block.groups.length !== groups.length) return false;
  return maskedKey(groups, block.prefix) === maskedKey(block.groups, block.prefix);
}
