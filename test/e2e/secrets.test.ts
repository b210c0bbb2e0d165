import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program } from '../support/programs.ts';
import { startRedis } from '../support/redis.ts';
import type { Answer } from './scripted-upstream.ts';
import { type Stage, startStage } from './stage.ts';
import { adminToken, eventually, expectFreeOf } from './support.ts';
import { connectWireClient, type WireClient } from './wire-client.ts';

const password = 'Pl4nted "s3cret" /+\xfc';
const redisPassword = 'r3dis-s3cret';

/** Whose upstream repeats what it was sent, and how. */
const echo = {
  refusing: (line: string) => `-ERR [AUTH] I do not like ${line}\r\n`,
  blocked: (line: string) => `-ERR ${line}\r\n`,
  denying: (line: string) => `-ERR [SYS/PERM] ${line}\r\n`,
  // A response code of its own making, and one that is none.
  codes: (line: string) => `-ERR [${line}] no\r\n`,
  stammering: (line: string) => `${line}\r\n`,
  endless: (line: string) => `${line}${'x'.repeat(8192)}`,
  accepting: (line: string) => `+OK ${line}\r\n`,
} as const;
const users = [...Object.keys(echo), 'silent', 'resetting'];

/** How the upstream takes the password. */
const mechanisms = { 'USER and PASS': 'USER', 'AUTH PLAIN': 'SASL PLAIN' } as const;

function upstreamOffering(capability: string): Answer {
  return (line, connection) => {
    if (line === 'CAPA') return `+OK\r\n${capability}\r\n.\r\n`;
    if (line === 'QUIT') queueMicrotask(() => connection.socket.end());
    const isLogin = /^(PASS|AUTH) /.test(line);
    if (!isLogin) return undefined;
    const user = userOf([...connection.lines]);
    if (user === 'silent') return '';
    if (user === 'resetting') connection.reset();
    return Object.entries(echo).find(([name]) => name === user)?.[1](line);
  };
}

function userOf(lines: readonly string[]): string | undefined {
  const login = lines.map((line) => {
    const [verb, argument = '', response = ''] = line.split(' ');
    if (verb === 'USER') return argument;
    return verb === 'AUTH' ? Buffer.from(response, 'base64').toString('latin1').split('\0')[1] : undefined;
  });
  return login.findLast((name) => name !== undefined)?.split('@')[0];
}

const base64 = (octets: string): string => Buffer.from(octets, 'latin1').toString('base64');
const plain = (user: string, identity = ''): string => base64(`${identity}\0${user}\0${password}`);
const loginsOf = (user: string): readonly string[] => [
  `USER ${user}\r\nPASS ${password}\r\n`,
  `AUTH PLAIN ${plain(user)}\r\n`,
  `AUTH PLAIN\r\n${plain(user)}\r\n`,
  `AUTH LOGIN ${base64(user)}\r\n${base64(password)}\r\n`,
  `AUTH LOGIN\r\n${base64(user)}\r\n${base64(password)}\r\n`,
];
const someone = 'accepting@corp.test';

/** What clients send, rightly or wrongly; each is a session of its own. */
const dialogues: readonly string[] = [
  ...users.flatMap((user) => loginsOf(`${user}@corp.test`)),
  ...['nobody@nowhere.test', 'nobody', 'user@icloud.com', 'user@outlook.com'].flatMap(loginsOf),
  // In the wrong place.
  `PASS ${password}\r\n`,
  `${password}\r\n`,
  ...['CAPA', 'STLS', 'QUIT', 'XPASS', 'APOP user', 'AUTH', 'AUTH X-OWN', 'RETR', 'EHLO', 'GET', 'PROXY TCP4'].map(
    (verb) => `${verb} ${password}\r\n`,
  ),
  `USER ${someone}\r\n${password}\r\n`,
  `USER ${someone}\r\nPASS${password}\r\n`,
  `AUTH LOGIN\r\n${base64(someone)}\r\n${password}\r\n`,
  `AUTH LOGIN ${base64(someone)} ${base64(password)}\r\n`,
  `AUTH PLAIN ${someone} ${password}\r\n`,
  // Malformed.
  `AUTH PLAIN ${plain(someone)}!\r\n`,
  `AUTH PLAIN ${base64(`${someone}\0${password}`)}\r\n`,
  `AUTH PLAIN ${base64(`\0${someone}\0${password}\0more`)}\r\n`,
  `AUTH PLAIN ${plain(someone, 'another@corp.test')}\r\n`,
  `AUTH PLAIN ${base64(`\0${someone}\0${password}\r\n`)}\r\n`,
  `AUTH LOGIN ${base64(someone)}\r\n${base64(`${password}\0`)}\r\n`,
  `AUTH LOGIN\r\n${base64(someone)}\r\n${base64(password)}=\r\n`,
  // Too long.
  `USER ${someone}\r\nPASS ${password}${'x'.repeat(600)}\r\n`,
  `AUTH PLAIN ${plain(someone)}${'A'.repeat(13_000)}\r\n`,
  `AUTH PLAIN\r\n${plain(someone)}${'A'.repeat(13_000)}\r\n`,
  // Injected, or in the handshake's place.
  `STLS\r\nUSER ${someone}\r\nPASS ${password}\r\n`,
  // In a session that stands.
  ...[`PASS ${password}`, password, `NOOP ${password}`, password.repeat(100)].map(
    (line) => `USER ${someone}\r\nPASS ${password}\r\n${line}\r\n`,
  ),
];

describe.skipIf(!program('redis-server')).each(Object.entries(mechanisms))(
  'a password sent by %s',
  (_title, capability) => {
    const stack = new AsyncDisposableStack();
    let stage: Stage;
    let redis: Redis;
    let shown: string;
    let kept: string;

    beforeAll(async () => {
      const server = stack.use(await startRedis({ password: redisPassword }));
      redis = stack.adopt(new Redis(server.url), (client) => client.disconnect());
      stage = stack.use(
        await startStage({
          script: { answer: upstreamOffering(capability) },
          sections: `
sessions: {loginTimeout: 1s, maxPerAddress: 1000}
redis: {url: "${server.url}", timeout: 2s}
limits:
  perAddress: {failures: 1000}
  perNetwork: {failures: 1000}
  perAccount: {failures: 1000}
  perAddressAndAccount: {failures: 1}
  loginsPerAddress: 1000
  sessionsPerAccount: 100
`,
        }),
      );
      // The first leads to a block, which the others meet.
      for (const login of loginsOf('blocked@corp.test').slice(0, 2)) await playInTheClear(login);
      await Promise.all(
        dialogues.flatMap((octets) => [playInTheClear(octets), playUnderTls(octets), playBehindStls(octets)]),
      );
      await Promise.all([playInsteadOfHandshake('implicit'), playInsteadOfHandshake('starttls')]);
      await eventually(() => expect(stage.postern.logged('sessionClosed').length).toBe(dialogues.length * 3 + 4));

      // The last failure is what the admin interface shows.
      await playInTheClear(`USER stammering@corp.test\r\nPASS ${password}\r\n`);
      using _open = await openSession();
      shown = await everythingShown();
      kept = await everythingKept();
    });

    afterAll(() => stack.disposeAsync());

    async function play(client: WireClient, octets: string): Promise<void> {
      client.send(octets);
      client.send('QUIT\r\n');
      client.end();
      await client.closed();
      client[Symbol.dispose]();
    }

    async function playInTheClear(octets: string): Promise<void> {
      await play(await stage.connect('starttls'), octets);
    }

    async function playUnderTls(octets: string): Promise<void> {
      await play(await stage.connect('implicit'), octets);
    }

    async function playBehindStls(octets: string): Promise<void> {
      const client = await stage.connect('starttls');
      await client.startTls(stage.certificates.ca);
      await play(client, octets);
    }

    async function playInsteadOfHandshake(listener: 'implicit' | 'starttls'): Promise<void> {
      const client = await connectWireClient({ port: stage.postern.port(listener) });
      if (listener === 'starttls') await client.command('STLS');
      await play(client, `USER ${someone}\r\nPASS ${password}\r\n`);
    }

    /** One session that is relayed now. */
    async function openSession(): Promise<WireClient> {
      const client = await stage.connect();
      expect(await client.logIn(someone, password)).toMatch(/^\+OK/);
      return client;
    }

    async function everythingShown(): Promise<string> {
      const paths = [
        '/',
        '/readyz',
        '/metrics',
        ...['status', 'sessions', 'blocks', 'upstreams'].map((it) => `/api/v1/${it}`),
      ];
      const answers = await Promise.all(paths.map(async (path) => (await stage.postern.ask(path)).text()));
      return answers.join('\n');
    }

    async function everythingKept(): Promise<string> {
      const keys = await redis.keys('*');
      return JSON.stringify(await Promise.all(keys.map(async (key) => [key, await readAny(redis, key)])));
    }

    it('reached the upstream', () => {
      const received = stage.upstream.connections.flatMap(({ lines }) => lines);

      expect(received).toContain(capability === 'USER' ? `PASS ${password}` : `AUTH PLAIN ${plain(someone)}`);
    });

    it('is in no line of the log', () => {
      const log = stage.postern.logText();

      const results = stage.postern.logged('loginFinished').map(({ result }) => result);
      expect(results).toEqual(
        expect.arrayContaining(['accepted', 'refused', 'denied', 'unreachable', 'limited', 'unrouted']),
      );
      expect(log).toContain(someone);
      expectFreeOf(log, [password, redisPassword, adminToken]);
    });

    it('is in no metric and no answer of the admin interface', () => {
      expect(shown).toContain('postern_logins_total');
      expect(shown).toContain(someone);
      expect(shown).toContain('refusing@corp.test from 127.0.0.1');
      expectFreeOf(shown, [password, redisPassword, adminToken]);
    });

    it('is in no key and no value in Redis', () => {
      expect(kept).toContain('refusing@corp.test');
      expectFreeOf(kept, [password]);
    });
  },
);

async function readAny(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES');
    case 'set':
      return redis.smembers(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'stream':
      return redis.xrange(key, '-', '+');
    // Gone meanwhile.
    case 'none':
      return null;
    default:
      throw new Error(`Cannot read "${key}": it is a ${type}`);
  }
}
