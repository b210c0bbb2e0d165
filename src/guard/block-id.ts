import { Buffer } from 'node:buffer';
import type { BlockName } from '../policy/guard/facts.ts';
import { limitNames } from '../policy/login-limits.ts';

/** A URL-safe name of a block, the same on every instance: it holds all that is needed to find the block. */
export function formatBlockId({ limit, subject }: BlockName): string {
  return `${limit}.${Buffer.from(subject, 'utf8').toString('base64url')}`;
}

/** Reads a block id; undefined where the text is none. */
export function parseBlockId(id: string): BlockName | undefined {
  const [limitText, encoded = ''] = id.split('.');
  const limit = limitNames.find((name) => name === limitText);
  if (limit === undefined) return undefined;
  const name = { limit, subject: Buffer.from(encoded, 'base64url').toString('utf8') };
  // Decoding skips what is not base64url: only the one spelling that was given out is an id.
  return formatBlockId(name) === id ? name : undefined;
}
