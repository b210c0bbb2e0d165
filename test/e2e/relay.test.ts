import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Answer, UpstreamConnection } from './scripted-upstream.ts';
import { account, startStage } from './stage.ts';
import { eventually } from './support.ts';

const listeners = ['starttls', 'implicit'] as const;
const login = `USER ${account.user}\r\nPASS ${account.password}\r\n`;
const message = Buffer.from(
  `Subject: all octets\r\n\r\n${String.fromCharCode(...Array(256).keys())}\r\n..\r\n`,
  'latin1',
);

/** Answers every command by repeating it, RETR with a message, and QUIT with a close. */
const repeat: Answer = (line, connection) => {
  if (line.startsWith('RETR')) return Buffer.concat([Buffer.from('+OK\r\n'), message, Buffer.from('.\r\n')]);
  if (line === 'QUIT') closeAfterReply(connection);
  return ['CAPA', 'USER', 'PASS'].some((verb) => line.startsWith(verb)) ? undefined : `+OK ${line}\r\n`;
};

function closeAfterReply(connection: UpstreamConnection): void {
  queueMicrotask(() => connection.socket.end());
}

const block = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n'.repeat(1024));
const hugeBlocks = Math.ceil(100_000_000 / block.length);

/** Answers RETR with a message of 100 MB, as fast as the client drinks. */
function hugeMessage(): { readonly answer: Answer; sentOctets: number } {
  const huge: { answer: Answer; sentOctets: number } = {
    sentOctets: 0,
    answer: (line, { socket }) => {
      if (!line.startsWith('RETR')) return undefined;
      async function* blocks() {
        for (let sent = 0; sent < hugeBlocks; sent += 1) {
          huge.sentOctets += block.length;
          yield block;
        }
        yield Buffer.from('.\r\n');
      }
      pipeline(blocks, socket, { end: false }).catch(() => {});
      return '+OK\r\n';
    },
  };
  return huge;
}

function hugeMessageHash(): string {
  const hash = createHash('sha256');
  for (let blocks = 0; blocks < hugeBlocks; blocks += 1) hash.update(block);
  return hash.update('.\r\n').digest('hex');
}

/** Resolves with a number once it has stopped growing. */
async function settled(read: () => number): Promise<number> {
  let before = -1;
  return eventually(async () => {
    const isSettled = read() === before;
    before = read();
    await delay(100);
    if (!isSettled) throw new Error(`Cannot settle: it is ${before} and grows`);
    return before;
  });
}

describe('a relayed session', () => {
  it.each(listeners)('keeps the order of 1,000 pipelined commands over %s', async (listener) => {
    await using stage = await startStage({ script: { answer: repeat } });
    using client = await stage.connect(listener);
    const commands = Array.from({ length: 1000 }, (_, index) => `NOOP ${index}`);

    client.send(`${login}${commands.join('\r\n')}\r\nQUIT\r\n`);

    const replies = (await client.closed()).split('\r\n');
    expect(replies.slice(2)).toEqual([...commands, 'QUIT'].map((command) => `+OK ${command}`).concat(''));
    const { lines } = await stage.upstream.connection();
    expect(lines.slice(lines.indexOf(`PASS ${account.password}`) + 1)).toEqual([...commands, 'QUIT']);
    expect(await stage.postern.metric('postern_commands_total{command="NOOP"}')).toBe(1000);
    expect(await stage.postern.metric('postern_commands_total{command="QUIT"}')).toBe(1);
  });

  it.each(listeners)('comes through whole when it is sent in one segment and half-closed over %s', async (listener) => {
    await using stage = await startStage({ script: { answer: repeat } });
    using client = await stage.connect(listener);

    client.send(`${login}STAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n`);
    client.end();

    const replies = await client.closed();
    expect(replies.slice(replies.indexOf('+OK STAT'))).toBe(
      `+OK STAT\r\n+OK\r\n${message.toString('latin1')}.\r\n+OK DELE 1\r\n+OK QUIT\r\n`,
    );
  });

  it('passes on the end of a client that closes its sending side behind PASS, without a QUIT', async () => {
    await using stage = await startStage({ script: { answer: repeat } });
    using client = await stage.connect();

    client.send(`${login}DELE 1\r\n`);
    client.end();

    const upstream = await stage.upstream.connection();
    expect(await upstream.ended).toBe('end');
    expect(upstream.lines.slice(-2)).toEqual([`PASS ${account.password}`, 'DELE 1']);
  });

  it.each(listeners)('comes through whole when each octet is a segment of its own over %s', async (listener) => {
    await using stage = await startStage({ script: { answer: repeat } });
    using client = await stage.connect(listener);

    for (const octet of `${login}STAT\r\nRETR 1\r\nQUIT\r\n`) {
      client.send(octet);
      await setImmediate();
    }

    const replies = await client.closed();
    expect(replies.slice(replies.indexOf('+OK STAT'))).toBe(
      `+OK STAT\r\n+OK\r\n${message.toString('latin1')}.\r\n+OK QUIT\r\n`,
    );
  });

  it.each(listeners)(
    'holds a 100 MB message back from a reader that pauses, and loses none of it over %s',
    async (listener) => {
      const huge = hugeMessage();
      await using stage = await startStage({ script: { answer: huge.answer } });
      using client = await stage.logIn(listener);
      const hash = createHash('sha256');
      const rssBefore = process.memoryUsage().rss;

      expect(await client.command('RETR 1')).toBe('+OK');
      client.pause();
      const sentOctets = await settled(() => huge.sentOctets);

      // What the kernel's buffers of two connections and Postern's own took; without backpressure it is all of it.
      expect(sentOctets).toBeLessThan(50_000_000);
      expect(process.memoryUsage().rss - rssBefore).toBeLessThan(100_000_000);
      let tail = '';
      client.stream((chunk) => {
        hash.update(chunk);
        tail = (tail + chunk.toString('latin1')).slice(-5);
      });
      client.resume();
      await eventually(() => expect(tail).toBe('\r\n.\r\n'));
      expect(hash.digest('hex')).toBe(hugeMessageHash());
    },
  );

  it('ends by the idle time-out when its reader stalls, without a QUIT', async () => {
    const huge = hugeMessage();
    await using stage = await startStage({ script: { answer: huge.answer }, sections: 'sessions: {idleTimeout: 1s}' });
    using client = await stage.logIn();

    expect(await client.command('DELE 1')).toBe('+OK');
    expect(await client.command('RETR 2')).toBe('+OK');
    client.pause();

    await stage.postern.waitForLog('sessionClosed', { reason: 'idle_timeout' });
    const upstream = await stage.upstream.connection();
    expect(await upstream.ended).toMatch(/end|reset/);
    expect(upstream.lines.at(-1)).toBe('RETR 2');
    expect(huge.sentOctets).toBeLessThan(50_000_000);
  });

  it('ends by the idle time-out when nobody says anything, without a QUIT', async () => {
    await using stage = await startStage({ sections: 'sessions: {idleTimeout: 1s}' });
    using client = await stage.logIn();
    expect(await client.command('DELE 1')).toBe('+OK');

    expect(await client.closed()).toBe('');

    await stage.postern.waitForLog('sessionClosed', { reason: 'idle_timeout' });
    const upstream = await stage.upstream.connection();
    expect(await upstream.ended).toMatch(/end|reset/);
    expect(upstream.lines.at(-1)).toBe('DELE 1');
  });

  it.each(listeners)('ends when its client resets the connection over %s, without a QUIT', async (listener) => {
    await using stage = await startStage();
    using client = await stage.logIn(listener);
    expect(await client.command('DELE 1')).toBe('+OK');

    client.reset();

    expect(await stage.postern.waitForLog('sessionClosed')).toMatchObject({
      reason: expect.stringMatching(/^client_/),
    });
    const upstream = await stage.upstream.connection();
    expect(await upstream.ended).toMatch(/end|reset/);
    expect(upstream.lines.at(-1)).toBe('DELE 1');
  });

  it.each(['reset', 'close'] as const)(
    'hands over what there was of a message when its upstream ends by a %s',
    async (end) => {
      const half: Answer = (line, connection) => {
        if (!line.startsWith('RETR')) return undefined;
        setTimeout(() => (end === 'reset' ? connection.reset() : connection.socket.end()), 20);
        return '+OK\r\nSubject: half\r\n\r\nThis is\r\n';
      };
      await using stage = await startStage({ script: { answer: half } });
      using client = await stage.logIn();

      expect(await client.command('RETR 1')).toBe('+OK');

      expect(await client.closed()).toBe('Subject: half\r\n\r\nThis is\r\n');
      const reason = end === 'reset' ? expect.stringMatching(/^upstream_/) : 'upstream_closed';
      expect(await stage.postern.waitForLog('sessionClosed')).toMatchObject({ reason });
    },
  );

  it('leaves the other sessions alone when its upstream ends', async () => {
    await using stage = await startStage({ script: { answer: repeat } });
    using first = await stage.logIn();
    using second = await stage.logIn('implicit');

    (await stage.upstream.connection(0)).reset();
    await first.closed();

    expect(await second.command('NOOP 1')).toBe('+OK NOOP 1');
  });

  it('counts what it relays, and shows it while it lasts', async () => {
    await using stage = await startStage({ script: { answer: repeat } });
    using client = await stage.logIn();
    const greeted = client.receivedOctets;
    expect(await client.command('RETR 1')).toBe('+OK');
    await eventually(() => expect(client.unread).toMatch(/\r\n\.\r\n$/));

    const relayed = client.receivedOctets - greeted;
    const { sessions } = (await (await stage.postern.ask('/api/v1/sessions')).json()) as { sessions: unknown[] };
    expect(sessions).toMatchObject([
      { account: account.user, state: 'transaction', octetsToUpstream: 'RETR 1\r\n'.length, octetsToClient: relayed },
    ]);
    expect(await stage.postern.metric('postern_relayed_octets_total{direction="to_client"}')).toBe(relayed);
    expect(relayed).toBe(`+OK\r\n.\r\n`.length + message.length);
  });
});
