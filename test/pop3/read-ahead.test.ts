import { describe, expect, it } from 'vitest';
import { Dialogue, type ServerScript, speakDirectly } from './read-ahead-dialogue.ts';

const replies = {
  STAT: '+OK 2 320\r\n',
  UIDL: '+OK\r\n1 one\r\n2 two\r\n.\r\n',
  LIST: '+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n',
  CAPA: '+OK\r\nTOP\r\nUIDL\r\n.\r\n',
} as const;
const script: ServerScript = { replies };
const starts = ['sent', 'pipelined', 'stepwise'] as const;

/** Everything that is under way arrives. */
function settle(dialogue: Dialogue): void {
  while (dialogue.deliver());
}

describe.each(starts)('ReadAhead, %s', (start) => {
  it('asks all four, once each and in order, and says nothing to a client that asks nothing', () => {
    const dialogue = new Dialogue(script, { start });
    settle(dialogue);
    expect(dialogue.server.lines).toEqual(['STAT', 'UIDL', 'LIST', 'CAPA']);
    expect(dialogue).toMatchObject({ received: '', outcomes: [], hasLeft: false });
  });

  it('answers each at once, in any order and case, and leaves with the last', () => {
    const dialogue = new Dialogue(script, { start });
    settle(dialogue);
    for (const [line, reply] of [
      ['list\r\n', replies.LIST],
      ['Stat\r\n', replies.STAT],
      ['CAPA\r\n', replies.CAPA],
    ] as const) {
      dialogue.received = '';
      dialogue.client(line);
      expect(dialogue.received).toBe(reply);
    }
    expect(dialogue.hasLeft).toBe(false);
    dialogue.client('UIDL\r\n');
    expect(dialogue.hasLeft).toBe(true);
    expect(dialogue.outcomes).toEqual(['used', 'used', 'used', 'used']);
    expect(dialogue.taken).toBe('list\r\nStat\r\nCAPA\r\nUIDL\r\n');
  });

  it.each([
    { what: 'a change', line: 'DELE 1\r\n' },
    { what: 'a message', line: 'RETR 1\r\n' },
    { what: 'one message alone', line: 'LIST 1\r\n' },
    { what: 'a space behind it', line: 'STAT \r\n' },
    { what: 'a bare LF', line: 'STAT\n' },
    { what: 'an empty line', line: '\r\n' },
    { what: 'half a line that is none of them', line: 'RE' },
  ])('leaves at $what, with every octet of it', ({ line }) => {
    const dialogue = new Dialogue(script, { start });
    settle(dialogue);
    dialogue.client(`STAT\r\n${line}UIDL\r\n`);
    settle(dialogue);
    expect(dialogue.hasLeft).toBe(true);
    expect(dialogue.taken).toBe('STAT\r\n');
    expect(dialogue.received).toBe(speakDirectly(script, `STAT\r\n${line}UIDL\r\n`));
    expect(dialogue.outcomes).toEqual(['used', 'unused', 'unused', 'unused']);
  });

  it('asks the server again what the client asks again', () => {
    const dialogue = new Dialogue(script, { start });
    settle(dialogue);
    dialogue.client('STAT\r\nSTAT\r\n');
    settle(dialogue);
    expect(dialogue.received).toBe(replies.STAT.repeat(2));
    expect(dialogue.server.lines.filter((line) => line === 'STAT')).toHaveLength(2);
  });

  it('keeps no refusal: the server is asked anew', () => {
    const dialogue = new Dialogue({ replies: { ...replies, STAT: '-ERR [SYS/TEMP] not now\r\n' } }, { start });
    settle(dialogue);
    dialogue.client('STAT\r\n');
    settle(dialogue);
    expect(dialogue.received).toBe('-ERR [SYS/TEMP] not now\r\n');
    expect(dialogue.server.lines.filter((line) => line === 'STAT')).toHaveLength(2);
    expect(dialogue.outcomes[0]).toBe('refused');
  });

  it('keeps no more than it may, and reads no further until somebody asks', () => {
    const UIDL = `+OK\r\n${'1 long\r\n'.repeat(100)}.\r\n`;
    const dialogue = new Dialogue({ replies: { ...replies, UIDL } }, { start, maxOctets: 100 });
    while (dialogue.deliver(10));
    expect(dialogue.server.waiting).toBeGreaterThan(600);
    dialogue.client('STAT\r\nUIDL\r\n');
    while (dialogue.deliver(10));
    expect(dialogue.received).toBe(replies.STAT + UIDL);
    dialogue.client('LIST\r\nQUIT\r\n');
    settle(dialogue);
    expect(dialogue.received).toBe(
      speakDirectly({ replies: { ...replies, UIDL } }, 'STAT\r\nUIDL\r\nLIST\r\nQUIT\r\n'),
    );
  });

  it('shows the end of a server only behind the answers that came before it', () => {
    const cut = { verb: 'UIDL', octets: 9 };
    const dialogue = new Dialogue({ replies, cut }, { start });
    settle(dialogue);
    expect(dialogue).toMatchObject({ received: '', hasLeft: false });
    dialogue.client('STAT\r\n');
    expect(dialogue).toMatchObject({ received: replies.STAT, hasLeft: false });
    dialogue.client('UIDL\r\n');
    expect(dialogue).toMatchObject({ received: `${replies.STAT}+OK\r\n1 on`, hasLeft: true });
    expect(dialogue.outcomes).toContain('broken');
  });

  it('gives the client what a server says unasked behind the answers, and stays out of it', () => {
    const dialogue = new Dialogue(script, { start });
    settle(dialogue);
    dialogue.server.push('NOOP\r\n');
    settle(dialogue);
    expect(dialogue.received).toBe('');
    dialogue.client('STAT\r\nNOOP\r\n');
    settle(dialogue);
    const noop = '+OK "NOOP" behind 0 changes\r\n';
    expect(dialogue.received).toBe(`${replies.STAT}${noop}${noop}`);
  });

  it('forgets when its time is over, and leaves with what the client sends next', () => {
    const dialogue = new Dialogue(script, { start });
    settle(dialogue);
    dialogue.expire();
    expect(dialogue).toMatchObject({ hasLeft: false, outcomes: ['unused', 'unused', 'unused', 'unused'] });
    dialogue.client('STAT\r\n');
    expect(dialogue).toMatchObject({ hasLeft: true, taken: '' });
    settle(dialogue);
    expect(dialogue.received).toBe(replies.STAT);
  });

  it('shows a server’s end when its time is over', () => {
    const dialogue = new Dialogue({ replies, cut: { verb: 'LIST', octets: 4 } }, { start });
    settle(dialogue);
    dialogue.expire();
    expect(dialogue).toMatchObject({ hasLeft: true, received: '' });
  });

  it('passes on what a client sent last before it was gone', () => {
    const dialogue = new Dialogue(script, { start });
    dialogue.client('DELE 1\r\nQUIT\r\n');
    dialogue.clientCloses();
    expect(dialogue.hasLeft).toBe(true);
    expect(dialogue.server.lines.slice(-2)).toEqual(['DELE 1', 'QUIT']);
  });

  it('cuts a server whose answers cannot be told apart, and gives the client none of them', () => {
    const dialogue = new Dialogue({ replies: { ...replies, UIDL: 'hello\r\n' } }, { start });
    settle(dialogue);
    dialogue.client('STAT\r\n');
    dialogue.client('RETR 1\r\n');
    settle(dialogue);
    expect(dialogue).toMatchObject({ received: replies.STAT, isCut: true, hasLeft: true });
    expect(dialogue.outcomes).toContain('broken');
  });
});

describe('ReadAhead', () => {
  it('asks no further where the client asks faster than a server that takes one command at a time answers', () => {
    const dialogue = new Dialogue(script, { start: 'stepwise' });
    dialogue.client('STAT\r\n');
    expect(dialogue).toMatchObject({ hasLeft: true, outcomes: ['used'] });
    settle(dialogue);
    expect(dialogue.server.lines).toEqual(['STAT']);
    expect(dialogue.received).toBe(replies.STAT);
  });

  it('holds commands back from such a server while an answer is due, and knows that it is waited for', () => {
    const dialogue = new Dialogue(script, { start: 'stepwise' });
    expect(dialogue.isAwaited).toBe(false);
    dialogue.client('RETR 1\r\n');
    dialogue.client('QUIT\r\n');
    expect(dialogue).toMatchObject({ heldOctets: 14, isAwaited: true });
    expect(dialogue.server.lines).toEqual(['STAT']);
    settle(dialogue);
    expect(dialogue.received).toBe(speakDirectly(script, 'RETR 1\r\nQUIT\r\n'));
  });

  it('sends commands behind those that are due where the server takes that, and swallows the answers', () => {
    const dialogue = new Dialogue(script, { start: 'sent' });
    dialogue.client('LIST\r\nDELE 1\r\n');
    dialogue.client('LIST\r\n');
    expect(dialogue.server.lines).toEqual(['STAT', 'UIDL', 'LIST', 'CAPA', 'DELE 1', 'LIST']);
    while (dialogue.deliver(1));
    expect(dialogue.received).toBe(speakDirectly(script, 'LIST\r\nDELE 1\r\nLIST\r\n'));
    expect(dialogue.outcomes.toSorted()).toEqual(['unused', 'unused', 'unused', 'used']);
  });

  it('lets what is no reply through to the client that asked for it, where nothing else is due', () => {
    const odd = { ...replies, STAT: 'two messages\r\n' };
    const dialogue = new Dialogue({ replies: odd }, { start: 'stepwise' });
    settle(dialogue);
    expect(dialogue.server.lines).toEqual(['STAT']);
    dialogue.client('STAT\r\nUIDL\r\n');
    settle(dialogue);
    expect(dialogue.received).toBe(`${odd.STAT}${replies.UIDL}`);
  });

  it('goes on for a client that asks something else while a list without an end is on its way to it', () => {
    const odd = { ...replies, UIDL: '+OK\r\n' };
    const dialogue = new Dialogue({ replies: odd }, { start: 'stepwise' });
    settle(dialogue);
    dialogue.client('UIDL\r\n');
    dialogue.client('STAT\r\n');
    settle(dialogue);
    expect(dialogue.received).toBe(`${odd.UIDL}${replies.STAT}`);
  });
});
