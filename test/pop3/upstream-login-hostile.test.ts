import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunksOf, octetString, octets, octetText } from './octets.ts';
import { capa, credentials, greeting, plain, playUpstream } from './upstream-dialogue.ts';

/** Every form in which the credentials could travel. */
const secrets = [credentials.username, credentials.password, credentials.password.trim(), plain];

const whatServersSay = fc.oneof(
  fc.constantFrom(greeting, '+OK', '+', '+ ', '-ERR no', '.', 'STLS', 'SASL PLAIN', 'USER', '+OK [X] y', ''),
  fc
    .constantFrom(capa('STLS'), capa('STLS', 'SASL PLAIN'), capa('SASL PLAIN'), capa('USER'))
    .map((lines) => lines.join('\r\n')),
  // A server that learnt the password may repeat it.
  fc.constantFrom(...secrets, `PASS ${credentials.password}`, `+ ${plain}`, `AUTH PLAIN ${plain}`),
  octetText({ maxLength: 20 }),
);
const line = fc.tuple(whatServersSay, fc.constantFrom('\r\n', '\r\n', '\n')).map((parts) => parts.join(''));
const anything = fc.array(line, { maxLength: 12 }).map((lines) => lines.join(''));
/** Most random servers fail at their greeting; these get further. */
const plausible = fc
  .tuple(
    fc.constantFrom([], [greeting], ['+OK [XCLIENT]'], [greeting, ...capa('STLS')], [greeting, ...capa('STLS'), '+OK']),
    anything,
  )
  .map(([lines, rest]) => lines.map((text) => `${text}\r\n`).join('') + rest);

const dialogue = fc.record(
  {
    tls: fc.constantFrom('implicit' as const, 'starttls' as const),
    credentials: fc.constant(credentials),
    knownCapabilities: fc.record({ offersStls: fc.boolean(), offersSaslPlain: fc.boolean() }),
    xclient: fc.constant('ADDR=192.0.2.7 TTL=7'),
  },
  { requiredKeys: ['tls', 'credentials'] },
);
// One chunk for the first leg of some: what follows the reply to STLS in the same segment ends the dialogue.
const leg = fc.oneof(
  chunksOf(plausible),
  plausible.map((text) => [octets(text)]),
);
const behindStls = plausible.map((text) => [octets(text)]);
const upgraded = fc.constant([octets([greeting, ...capa('STLS'), '+OK'].map((text) => `${text}\r\n`).join(''))]);
const legs = fc.oneof(fc.tuple(leg), fc.tuple(leg, behindStls), fc.tuple(upgraded, leg));

describe('whatever a server sends', () => {
  test('nothing but CAPA and STLS is sent before it is verified', () => {
    const seen = { before: 0, behind: 0 };
    fc.assert(
      fc.property(dialogue, legs, (given, server) => {
        for (const { lines, isVerified } of playUpstream(given, server).sent) {
          const isTelling = secrets.some((secret) => lines.includes(secret));
          if (isVerified) seen.behind += isTelling ? 1 : 0;
          else {
            seen.before += 1;
            expect(['CAPA\r\n', 'STLS\r\n']).toContain(lines);
            expect(isTelling).toBe(false);
          }
        }
      }),
      { numRuns: 2_000 },
    );
    expect(seen.before).toBeGreaterThan(100);
    expect(seen.behind).toBeGreaterThan(100);
  });

  test('nothing is sent but whole lines, each of them one command', () => {
    fc.assert(
      fc.property(dialogue, legs, (given, server) => {
        for (const { lines } of playUpstream(given, server).sent) expect(lines).toMatch(/^[^\r\n\0]+\r\n$/);
      }),
      { numRuns: 500 },
    );
  });

  test('what is told of a failure holds no password', () => {
    let failures = 0;
    fc.assert(
      fc.property(dialogue, legs, (given, server) => {
        const { effects, sent } = playUpstream(given, server);
        const hasTold = sent.some(({ lines }) => lines.includes(plain) || lines.startsWith('PASS'));
        for (const effect of effects) {
          if (effect.kind !== 'failed' || !hasTold) continue;
          failures += 1;
          expect(effect.detail).not.toContain(credentials.password.trim());
          expect(effect.detail).not.toContain(plain);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(failures).toBeGreaterThan(50);
  });

  test('the dialogue ends at most once, with its last effect', () => {
    const ends = ['accepted', 'refused', 'failed'];
    fc.assert(
      fc.property(dialogue, legs, (given, server) => {
        const { effects, stage } = playUpstream(given, server);
        expect(effects.slice(0, -1).filter(({ kind }) => ends.includes(kind))).toEqual([]);
        expect(ends.includes(effects.at(-1)?.kind ?? '')).toBe(stage === 'finished');
      }),
      { numRuns: 500 },
    );
  });

  test('under implicit TLS it makes no difference how its octets are cut', () => {
    fc.assert(
      fc.property(chunksOf(plausible), (chunks) => {
        const whole = octets(chunks.map(octetString).join(''));
        const given = { tls: 'implicit', credentials } as const;
        expect(playUpstream(given, [chunks])).toEqual(playUpstream(given, [[whole]]));
      }),
      { numRuns: 500 },
    );
  });

  test('a dialogue without credentials sends nothing but CAPA and STLS', () => {
    fc.assert(
      fc.property(fc.constantFrom('implicit' as const, 'starttls' as const), legs, (tls, server) => {
        for (const { lines } of playUpstream({ tls }, server).sent) expect(['CAPA\r\n', 'STLS\r\n']).toContain(lines);
      }),
      { numRuns: 500 },
    );
  });
});
