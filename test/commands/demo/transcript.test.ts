import { describe, expect, it } from 'vitest';
import { type Leg, Transcript, type WireEvent } from '../../../src/commands/demo/transcript.ts';

/** Events from `leg text`: `c> NOOP` is a request on the client's leg, `u< +OK` a response on the upstream's. */
function transcriptOf(lines: readonly string[]): Transcript {
  const transcript = new Transcript();
  for (const line of lines) {
    const leg: Leg = line.startsWith('c') ? 'client' : 'upstream';
    const kind: WireEvent['kind'] = line[1] === '>' ? 'request' : 'response';
    transcript.add({ leg, kind, text: line.slice(3), isEncrypted: true });
  }
  return transcript;
}

/** The rows below the heading, 30 columns a cell. */
function rowsOf(transcript: Transcript): ReadonlyArray<readonly string[]> {
  const title = { text: 'title', isEncrypted: true };
  const lines = transcript.render({
    width: 63,
    titles: { client: title, upstream: title },
    palette: (_style, text) => text,
  });
  return lines.slice(2).map((line) => line.split('│').map((cell) => cell.trim()));
}

describe('Transcript', () => {
  it('puts a relayed line into one row, in either direction', () => {
    expect(rowsOf(transcriptOf(['c> STAT', 'u> STAT', 'u< +OK 2 528', 'c< +OK 2 528']))).toEqual([
      ['→ STAT', '→ STAT'],
      ['← +OK 2 528', '← +OK 2 528'],
    ]);
  });

  it("keeps Postern's own lines in rows of their own", () => {
    expect(rowsOf(transcriptOf(['c> PASS x', 'u> AUTH PLAIN x', 'u< +OK in', 'c< +OK Logged in']))).toEqual([
      ['→ PASS x', ''],
      ['', '→ AUTH PLAIN x'],
      ['', '← +OK in'],
      ['← +OK Logged in', ''],
    ]);
  });

  it('pairs pipelined commands in order', () => {
    expect(rowsOf(transcriptOf(['c> NOOP', 'c> NOOP', 'u> NOOP', 'u> NOOP']))).toEqual([
      ['→ NOOP', '→ NOOP'],
      ['→ NOOP', '→ NOOP'],
    ]);
  });

  it('does not pair a request with a response, nor a line with one before the last of its leg', () => {
    expect(rowsOf(transcriptOf(['c> X', 'u< X', 'u> Y', 'c> Z', 'c> Y']))).toEqual([
      ['→ X', ''],
      ['', '← X'],
      ['', '→ Y'],
      ['→ Z', ''],
      ['→ Y', ''],
    ]);
  });

  it('tells a long response by its beginning and its end', () => {
    const lines = Array.from({ length: 20 }, (_, index) => `u< line ${index}`);
    expect(rowsOf(transcriptOf(['u> RETR 1', ...lines])).map(([client, upstream]) => `${client}|${upstream}`)).toEqual([
      '|→ RETR 1',
      ...[0, 1, 2, 3, 4].map((index) => `|← line ${index}`),
      '⋮ 12 more lines|⋮',
      ...[17, 18, 19].map((index) => `|← line ${index}`),
    ]);
  });

  it('elides what is wider than its column and shows no control characters', () => {
    const [row] = rowsOf(transcriptOf([`u< \x1b[31m${'a'.repeat(40)}`]));
    expect(row).toEqual(['', `← ·[31m${'a'.repeat(22)}…`]);
  });
});
