import { expect, test } from 'vitest';
import { countedCommands } from '../../src/pop3/counted-command.ts';

// CommandCounter reads four letters, and the metric's label is a closed set.
test('every counted verb has at most four letters in upper case, and `other` stands for the rest', () => {
  const verbs = countedCommands.filter((verb) => verb !== 'other');
  expect(verbs.length).toBe(countedCommands.length - 1);
  for (const verb of verbs) expect(verb).toMatch(/^[A-Z]{1,4}$/);
  expect(new Set(verbs).size).toBe(verbs.length);
});

test('counts no verb that carries credentials', () => {
  for (const verb of ['USER', 'PASS', 'APOP', 'AUTH']) expect(countedCommands).not.toContain(verb);
});
