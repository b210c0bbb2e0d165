import type { Config } from './config.ts';
import { mayBeSecret } from './secret-keys.ts';

const hidden = '(hidden)';

/** Keys that hold a secret wherever they stand: a second look, behind the list of secret places. */
const secretKey = /token$|password|secret|hashKey|nonce|authorization/i;

/** A configuration that may be shown to admins: complete, but for its secrets. PEM texts are told of, not shown. */
export function maskedConfig(config: Config): unknown {
  return mask(config, []);
}

function mask(value: unknown, path: readonly (string | number)[]): unknown {
  if (typeof value === 'string') return maskText(value, path);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (Array.isArray(value)) return value.map((each, index) => mask(each, [...path, index]));
  // Networks: their blocks are what they were written as.
  if ('blocks' in value && 'includes' in value && typeof value.includes === 'function') return value.blocks;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mask(each, [...path, key])]));
}

function maskText(text: string, path: readonly (string | number)[]): string {
  if (mayBeSecret(path) || secretKey.test(String(path.findLast((step) => typeof step === 'string') ?? '')))
    return hidden;
  if (text.includes('PRIVATE KEY')) return hidden;
  const certificates = text.match(/-----BEGIN [A-Z0-9 ]+-----/g)?.length ?? 0;
  if (certificates > 0) return `(PEM: ${certificates} ${certificates === 1 ? 'block' : 'blocks'})`;
  // `//user:password@host`
  return text.replace(/\/\/[^/@\s]*@/, `//${hidden}@`);
}
