import { describe, expect, it } from 'vitest';
import { interpolate } from '../../src/config/interpolation.ts';

const environment = { PORT: '110', HOST: 'mail.test', EMPTY: '', UNDEFINED: undefined, NESTED: `\${PORT}` };

describe('interpolate', () => {
  it.each([
    ['plain', 'plain', false],
    [`\${PORT}`, '110', true],
    [`\${HOST}:\${PORT}`, 'mail.test:110', true],
    [`\${EMPTY}`, '', true],
    [`\${ABSENT:-995}`, '995', true],
    [`\${UNDEFINED:-995}`, '995', true],
    [`\${EMPTY:-995}`, '995', true],
    [`\${PORT:-995}`, '110', true],
    [`\${ABSENT:-}`, '', true],
    [`$\${PORT}`, `\${PORT}`, false],
    [`$\${PORT}\${PORT}`, `\${PORT}110`, true],
    [`\${NESTED}`, `\${PORT}`, true],
    ['$PORT costs 5$', '$PORT costs 5$', false],
  ])('makes of %j %j', (text, filled, isExternal) => {
    expect(interpolate(text, environment)).toEqual({ kind: 'text', text: filled, isExternal });
  });

  it('names every variable that is not set', () => {
    expect(interpolate(`\${ABSENT}\${UNDEFINED}`, environment)).toEqual({
      kind: 'wrong',
      reason: 'the environment variable ABSENT is not set; the environment variable UNDEFINED is not set',
    });
  });

  it('takes no inherited property for a variable', () => {
    expect(interpolate(`\${constructor}`, environment)).toMatchObject({ kind: 'wrong' });
    expect(interpolate(`\${__proto__}`, environment)).toMatchObject({ kind: 'wrong' });
  });

  it.each([`\${PORT`, `\${}`, `\${1A}`, `\${PORT-x}`, `\${ PORT }`])(
    'says how a variable is written when it finds %j',
    (text) => {
      expect(interpolate(text, environment)).toMatchObject({
        kind: 'wrong',
        reason: expect.stringContaining(`\${NAME:-default}`),
      });
    },
  );

  it('tells once of openings that never close, and does not look for the end from each of them', () => {
    const startedMs = performance.now();
    const read = interpolate(`\${A:-}${'${B:-'.repeat(50_000)}`, {});
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(read.kind === 'wrong' && read.reason.match(/opens a variable/g)).toHaveLength(1);
  });

  it('takes a variable that may not be read for one that is not set', () => {
    const guarded = new Proxy<Record<string, string | undefined>>(
      {},
      {
        getOwnPropertyDescriptor() {
          throw new Error('Requires env access');
        },
      },
    );
    expect(interpolate(`\${PORT}`, guarded)).toEqual({
      kind: 'wrong',
      reason: 'the environment variable PORT is not set',
    });
  });
});
