import { z } from 'zod';
import { alternatives } from './problems.ts';

/** Why a text is not accepted: completes "… is not accepted: " and never repeats the text. */
export class Refusal {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A text that `read` makes a value of; `accepted` says what may stand here. */
export function scalar<T>(accepted: string, read: (text: string) => T | Refusal) {
  return z.string({ error: accepted }).transform((text, context): T => {
    const value = read(text);
    if (!(value instanceof Refusal)) return value;
    context.addIssue({ code: 'custom', message: value.reason });
    return z.NEVER;
  });
}

/** A text that has to match `pattern`. */
export function text(accepted: string, pattern: RegExp) {
  return scalar(accepted, (value) => (pattern.test(value) ? value : new Refusal(accepted)));
}

/** One of a closed set of words. */
export function word<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: alternatives(words) });
}

/** `true` or `false`. */
export function flag() {
  return word(['true', 'false']).transform((value) => value === 'true');
}

/** A whole number within a range. */
export function integer(range: { readonly min: number; readonly max: number }) {
  const accepted = `a whole number from ${range.min} to ${range.max}`;
  return scalar(accepted, (digits) => {
    const value = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN;
    return value >= range.min && value <= range.max ? value : new Refusal(accepted);
  });
}
