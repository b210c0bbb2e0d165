import { z } from 'zod';
import { didYouMean } from './suggestion.ts';

/** A mapping with these keys and no others. A message about unknown keys has one line for each, in zod's order. */
export function mapping<S extends z.core.$ZodLooseShape>(shape: S) {
  const keys = Object.keys(shape);
  const accepted = `a mapping with ${keys.join(', ')}`;
  const unknownKey = (key: string): string => `not a key here${didYouMean(key, keys)}: accepted are ${keys.join(', ')}`;
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey(key)).join('\n') : accepted,
  });
}

/** A list of values of one kind. */
export function list<T extends z.ZodType>(of: T, accepted: string) {
  return z.array(of, { error: accepted });
}
