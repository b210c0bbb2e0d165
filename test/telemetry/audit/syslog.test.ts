import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { SyslogDatagrams } from '../../../src/telemetry/audit/syslog-datagrams.ts';
import { formatSyslog } from '../../../src/telemetry/audit/syslog-message.ts';
import { SyslogStream } from '../../../src/telemetry/audit/syslog-stream.ts';
import { findFreePorts, startProcess } from '../../support/process.ts';
import { program, requireProgram } from '../../support/programs.ts';
import { createTemporaryDirectory } from '../../support/temporary-directory.ts';
import { createObserver } from '../delivery-observer.ts';

const patience = { timeout: 15_000, interval: 10 };

/** A receiver of octet-counted messages (RFC 6587 §3.4.1). */
class Receiver implements AsyncDisposable {
  readonly messages: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server.on('connection', (socket) => this.#take(socket));
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      for (;;) {
        const space = received.indexOf(' ');
        const length = Number(received.toString('latin1', 0, Math.max(space, 0)));
        if (space === -1 || received.length < space + 1 + length) return;
        this.messages.push(received.toString('utf8', space + 1, space + 1 + length));
        received = received.subarray(space + 1 + length);
      }
    });
  }

  /** Resolves with the messages once there are so many. */
  waitFor(count: number): Promise<readonly string[]> {
    return vi.waitFor(() => {
      if (this.messages.length < count) throw new Error(`Cannot find ${count} messages: ${this.messages.join()}`);
      return this.messages;
    }, patience);
  }

  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cutConnections();
    await once(this.#server.close(), 'close');
  }
}

async function startReceiver(at: { port: number; host: string } | { path: string }) {
  const server = createServer().listen(at);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { receiver: new Receiver(server), port };
}

const host = '127.0.0.1';

describe('formatSyslog', () => {
  it('writes a header of RFC 5424 and the text behind it', () => {
    const content = {
      severity: 'informational',
      timeMs: 1_795_421_411_123,
      messageId: 'login',
      text: '{"v":1}',
    } as const;
    expect(formatSyslog({ hostname: 'gate 1\n', processId: 42 }, content)).toBe(
      '<110>1 2026-11-23T08:10:11.123Z gate1 postern 42 login - {"v":1}',
    );
  });
});

describe('SyslogStream', () => {
  it('sends messages with octet counting, in order, whatever is in them', async () => {
    const { receiver, port } = await startReceiver({ port: 0, host });
    await using _ = receiver;
    await using stream = new SyslogStream({ endpoint: { host, port }, observer: createObserver() });
    for (const message of ['one', 'zwölf 12 \n€', 'three']) stream.write(message);
    await stream.flush();
    expect(await receiver.waitFor(3)).toEqual(['one', 'zwölf 12 \n€', 'three']);
  });

  it('sends to a Unix stream socket', async () => {
    await using directory = await createTemporaryDirectory('syslog');
    const path = join(directory.path, 'socket');
    const { receiver } = await startReceiver({ path });
    await using _ = receiver;
    await using stream = new SyslogStream({ endpoint: { path }, observer: createObserver() });
    stream.write('one');
    expect(await receiver.waitFor(1)).toEqual(['one']);
  });

  it('says that nobody listens, keeps the messages, and sends them once somebody does', async () => {
    const [port = 0] = await findFreePorts(1);
    const observer = createObserver();
    await using stream = new SyslogStream({ endpoint: { host, port }, observer });
    stream.write('one');
    await observer.waitFor('trouble ECONNREFUSED');
    const { receiver } = await startReceiver({ port, host });
    await using _ = receiver;
    expect(await receiver.waitFor(1)).toEqual(['one']);
    await observer.waitFor('recovered 0');
  });

  it('connects again after its receiver cut it off', async () => {
    const { receiver, port } = await startReceiver({ port: 0, host });
    await using _ = receiver;
    await using stream = new SyslogStream({ endpoint: { host, port }, observer: createObserver() });
    stream.write('one');
    await receiver.waitFor(1);
    receiver.cutConnections();
    await vi.waitFor(() => {
      stream.write('again');
      expect(receiver.messages.at(-1)).toBe('again');
    }, patience);
  });
});

describe('SyslogDatagrams', () => {
  it('sends each message as a datagram of its own', async () => {
    const socket = createSocket('udp4').bind(0, host);
    await once(socket, 'listening');
    const messages: string[] = [];
    socket.on('message', (message) => messages.push(message.toString()));
    await using datagrams = new SyslogDatagrams({
      endpoint: { host, port: socket.address().port },
      observer: createObserver(),
    });
    datagrams.write('one');
    datagrams.write('zwölf');
    await datagrams.flush();
    await vi.waitFor(() => expect(messages).toEqual(['one', 'zwölf']), patience);
    socket.close();
  });

  it('counts what cannot be sent, and says so once', async () => {
    const observer = createObserver();
    let nowMs = 0;
    await using datagrams = new SyslogDatagrams({ endpoint: { host, port: 9 }, observer, nowMs: () => nowMs });
    // No datagram is so long.
    datagrams.write('x'.repeat(70_000));
    await datagrams.flush();
    datagrams.write('within the same second');
    expect(datagrams.dropped).toBe(2);
    expect(observer.told).toEqual(['trouble EMSGSIZE', 'loss']);
    nowMs = 1_000;
    datagrams.write('one');
    await datagrams.flush();
    expect(observer.told.at(-1)).toBe('recovered 2');
  });
});

describe.skipIf(program('rsyslogd') === undefined)('messages for rsyslogd', () => {
  it.each(['udp', 'tcp'] as const)('arrive whole, with header and text told apart, over %s', async (protocol) => {
    await using directory = await createTemporaryDirectory('rsyslog');
    const [port = 0] = await findFreePorts(1);
    const output = join(directory.path, 'out');
    const configuration = join(directory.path, 'rsyslog.conf');
    await writeFile(
      configuration,
      `global(workDirectory="${directory.path}")
module(load="im${protocol}")
input(type="im${protocol}" address="${host}" port="${port}")
template(name="parts" type="string" string="%syslogfacility-text% %syslogseverity-text% %app-name% %msgid% %hostname% %msg%\\n")
action(type="omfile" file="${output}" template="parts")
`,
    );
    const pidFile = join(directory.path, 'pid');
    await using server = await startProcess([requireProgram('rsyslogd'), '-n', '-f', configuration, '-i', pidFile]);
    if (protocol === 'tcp') await server.waitForPort(port, { host });
    const observer = createObserver();
    await using messages =
      protocol === 'udp'
        ? new SyslogDatagrams({ endpoint: { host, port }, observer })
        : new SyslogStream({ endpoint: { host, port }, observer });
    const text = '{"v":1,"account":"zwölf@example.com"}';
    const content = { severity: 'informational', timeMs: Date.now(), messageId: 'login', text } as const;
    await vi.waitFor(
      async () => {
        // A datagram sent before it listens is lost.
        messages.write(formatSyslog({ hostname: 'gate1', processId: 42 }, content));
        await messages.flush();
        expect((await readFile(output, 'utf8')).split('\n')[0]).toMatch(
          /^(?:audit|security|13) info postern login gate1 {1,2}\{"v":1,"account":"zwölf@example\.com"\}$/,
        );
      },
      { ...patience, interval: 100 },
    );
  });
});
