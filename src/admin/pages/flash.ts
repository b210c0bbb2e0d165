import { html } from 'hono/html';
import type { Content } from './markup.ts';

/** What a page says behind a change, by the word that the address carries. */
const messages = {
  ended: 'The session is ended. No QUIT was sent: its maildrop is as it was.',
  'not-open': 'That session is not open any more.',
  lifted: 'The block is lifted.',
  'not-blocked': 'There is no such block any more.',
  blocked: 'The block holds from now on.',
  allowed: 'The exemption holds from now on.',
  probed: 'The upstream was dialled just now.',
} as const;

/** Something that was done. */
export type Done = keyof typeof messages;

/** Says what was done; nothing for a word that is none. */
export function flash(done: string | undefined): Content {
  const message = Object.entries(messages).find(([word]) => word === done)?.[1];
  return message === undefined ? '' : html`<p class="notice good" id="done" role="status" tabindex="-1">${message}</p>`;
}
