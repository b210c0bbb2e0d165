import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, UpstreamConnection } from '../e2e/scripted-upstream.ts';
import { ReadyUnderTest, until } from './ready-under-test.ts';
import { plainCapabilities, UpstreamTest } from './upstream-under-test.ts';

const tested = new UpstreamTest();
beforeAll(() => tested.start());
afterEach(() => tested.reset());
afterAll(() => tested.stop());

/** Warms a server up, then logs in once more with `answer` in place of the server's own. */
async function logInWarm(answer: Answer, { capabilities = plainCapabilities } = {}) {
  using dialer = new ReadyUnderTest();
  let isWarm = false;
  const server = await tested.serve({
    ...tested.implicit(),
    answer: (line, connection) => {
      if (line === 'CAPA') return capabilities;
      return isWarm ? answer(line, connection) : undefined;
    },
  });
  const upstream = tested.upstreamAt(server.port);
  await dialer.warm(upstream);
  isWarm = true;
  const ready = server.connections.at(-1);
  const login = await dialer.logIn(upstream);
  const passwords = server.connections.map(({ lines }) => lines.filter((line) => /^(AUTH|PASS)/.test(line)).length);
  return {
    login,
    ready,
    passwords: passwords.slice(server.connections.findIndex(({ lines }) => lines === ready?.lines)),
    dialer,
    upstream,
  };
}

/** Does something to the ready connection, which is the first that is asked, and answers others as usual. */
function onFirst(act: (connection: UpstreamConnection) => string): Answer {
  let first: UpstreamConnection | undefined;
  return (_line, connection) => {
    first ??= connection;
    return first === connection ? act(connection) : undefined;
  };
}

function close(connection: UpstreamConnection): string {
  connection.socket.end();
  return '';
}

function reset(connection: UpstreamConnection): string {
  connection.reset();
  return '';
}

function sayGoodbye({ socket }: UpstreamConnection): string {
  socket.end('-ERR Disconnected: Inactivity\r\n');
  return '';
}

describe('a ready connection that the server had given up as the password was sent', () => {
  it.each([
    { how: 'by closing it', act: close },
    { how: 'by a reset', act: reset },
    { how: 'with a farewell', act: sayGoodbye },
  ])('$how costs the login a connection of its own, and no more', async ({ act }) => {
    const { login, passwords, dialer, upstream } = await logInWarm(onFirst(act));
    expect(login).toMatchObject({ kind: 'accepted' });
    expect(passwords.filter((count) => count > 0)).toEqual([1, 1]);
    expect(dialer.counts(upstream)).toMatchObject({ used: 0, broken: 1 });
    const [onReady, onFresh] = dialer.connected.slice(-2);
    expect(onReady).toMatchObject({ durationMs: 0, readyForMs: 0 });
    expect(onFresh).not.toHaveProperty('readyForMs');
  });

  it('before USER was answered costs no more either, whatever it brings', async () => {
    const capabilities = '+OK\r\nUSER\r\n.\r\n';
    const { login } = await logInWarm(
      onFirst(() => 'no POP3 at all\r\n'),
      { capabilities },
    );
    expect(login).toMatchObject({ kind: 'accepted' });
  });
});

describe('a login on a ready connection is not tried again', () => {
  it('where a fresh connection ends without an answer, too', async () => {
    const { login, passwords } = await logInWarm((_line, connection) => close(connection));
    expect(login).toMatchObject({ kind: 'failed', failure: { reason: 'reset' } });
    expect(passwords.filter((count) => count > 0)).toEqual([1, 1]);
  });

  it.each([
    {
      where: 'USER was answered on it',
      capabilities: '+OK\r\nUSER\r\n.\r\n',
      answer: (line: string, connection: UpstreamConnection) =>
        line.startsWith('USER') ? '+OK\r\n' : close(connection),
    },
    {
      where: 'an answer to the password had begun',
      capabilities: plainCapabilities,
      answer: (_line: string, connection: UpstreamConnection) => {
        connection.socket.end('-ER');
        return '';
      },
    },
    {
      where: 'the password was answered with no POP3',
      capabilities: plainCapabilities,
      answer: () => 'what?\r\n',
    },
  ])('where $where', async ({ capabilities, answer }) => {
    const { login, passwords } = await logInWarm(answer, { capabilities });
    expect(login).toMatchObject({ kind: 'failed' });
    expect(passwords.filter((count) => count > 0)).toEqual([1]);
  });

  it('where the client is gone', async () => {
    using dialer = new ReadyUnderTest();
    const gone = new AbortController();
    let isWarm = false;
    const server = await tested.serve({
      ...tested.implicit(),
      answer: (line, connection) => {
        if (line === 'CAPA') return plainCapabilities;
        if (!isWarm) return undefined;
        gone.abort();
        return close(connection);
      },
    });
    const upstream = tested.upstreamAt(server.port);
    await dialer.warm(upstream);
    isWarm = true;
    expect(await dialer.logIn(upstream, gone.signal)).toMatchObject({ kind: 'failed' });
    await until(() => dialer.counts(upstream)?.ready === 1);
    expect(server.connections.at(-1)?.lines).toEqual([]);
  });
});
