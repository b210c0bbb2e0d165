import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { events } from '../../telemetry/events.ts';
import { addressBlock, fakeGuard, planted } from '../ports.ts';
import { browse } from './browsing.ts';

const paths = [
  '/ui',
  '/ui/sessions',
  '/ui/accounts?account=a@b.test',
  '/ui/blocks',
  '/ui/upstreams',
  '/ui/configuration',
];

/** Its text, without what is not for people. */
async function textOf(answer: Response | Promise<Response>): Promise<string> {
  return (await (await answer).text()).replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
}

describe('each page', () => {
  it.each(paths)('%s lets browsers run and load nothing that is not ours', async (path) => {
    const { get, signIn } = browse();
    await signIn();
    const answer = await get(path);
    expect(answer.status).toBe(200);
    const policy = answer.headers.get('Content-Security-Policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
    expect(await answer.text()).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]* src=)/);
  });

  it.each(paths)('%s has no buttons that change something for a viewer', async (path) => {
    const { get, signIn, telemetry } = browse();
    telemetry.report(events.opened());
    await signIn('viewer');
    const actions = Array.from(
      (await (await get(path)).text()).matchAll(/method="post" action="([^"]+)"/g),
      ([, to]) => to,
    );
    expect(actions).toEqual(['/ui/sign-out']);
  });

  it.each(paths)('%s shows names that others chose as text', async (path) => {
    const account = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>@b.test`;
    const { get, signIn, telemetry } = browse({
      guard: fakeGuard([], [{ ...addressBlock, subject: account, reason: account }]),
    });
    telemetry.report(events.opened());
    telemetry.report(events.login({ account, result: 'refused', reply: `[AUTH] ${account}` }));
    await signIn();
    const text = await (await get(path.replace('a@b.test', encodeURIComponent(account)))).text();
    expect(text).not.toMatch(/<script>|<img src=x/);
  });

  it('leads from the address alone to the overview, where a browser asks', async () => {
    const { app } = browse();
    const answer = await app.request('/', { headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
    expect(answer.headers.get('Location')).toBe('/ui');
    const text = await app.request('/', { headers: { Accept: '*/*' } });
    expect(text.headers.get('Content-Type')).toContain('text/plain');
  });
});

describe('a viewer', () => {
  it.each([
    ['/ui/sessions/end', { id: 's1' }],
    ['/ui/blocks/lift', { id: 'b1' }],
    ['/ui/blocks/add', { subject: '192.0.2.1', reason: 'why' }],
    ['/ui/upstreams/probe', { name: 'corp' }],
    ['/ui/configuration/check', { text: 'a' }],
  ])('may not do %s, gets a page that says so, and is noted', async (path, fields) => {
    const { post, signIn, done, actions } = browse();
    await signIn('viewer');
    const answer = await post(path, fields);
    expect(answer.status).toBe(403);
    expect(await textOf(answer)).toContain('role viewer');
    expect(done).toEqual([]);
    expect(actions.at(-1)).toMatchObject({
      action: 'request',
      by: 'wall',
      target: `POST ${path}`,
      result: 'forbidden',
    });
  });
});

describe('an operator', () => {
  it('ends a session', async () => {
    const { post, signIn, done, actions, telemetry } = browse();
    telemetry.report(events.opened());
    await signIn();
    const answer = await post('/ui/sessions/end', { id: 's1', search: 'a b' });
    expect(answer.headers.get('Location')).toBe('/ui/sessions?search=a+b&done=ended');
    expect(done).toEqual(['ops ends s1']);
    expect(actions.at(-1)).toMatchObject({ action: 'endSession', by: 'ops', target: 's1', result: 'done' });
  });

  it.each([
    ['192.0.2.0/24', 'allow', 'allowed'],
    ['User@Att.Net', 'block', 'blocked'],
  ])('adds an entry for %s', async (subject, effect, word) => {
    const { post, signIn, done, actions } = browse();
    await signIn();
    const answer = await post('/ui/blocks/add', { subject, effect, reason: 'why', duration: 'hour' });
    expect(answer.headers.get('Location')).toBe(`/ui/blocks?done=${word}`);
    expect(done).toEqual([`ops adds ${effect} ${subject.toLowerCase()}`]);
    expect(actions.at(-1)).toMatchObject({ action: 'addBlock', result: 'done' });
  });

  it('is told what is wrong with an entry, and keeps what was typed', async () => {
    const refused = Object.assign(new Error('Cannot use the network "x"'), { name: 'EntryRefused' });
    const guard = { ...fakeGuard([]), addEntry: () => Promise.reject(refused) };
    const { post, signIn, actions } = browse({ guard });
    await signIn();
    const answer = await post('/ui/blocks/add', {
      subject: 'x"y',
      effect: 'block',
      reason: 'because',
      duration: 'week',
    });
    expect(answer.status).toBe(422);
    const text = await answer.text();
    expect(text).toContain('Cannot use the network');
    expect(text).toContain('value="x&quot;y"');
    expect(text).toContain('value="because"');
    expect(text).toContain('<option value="week" selected>');
    expect(actions.at(-1)).toMatchObject({ action: 'addBlock', result: 'refused' });
  });

  it('lifts a block, or learns that there is none', async () => {
    const { post, signIn, done } = browse();
    await signIn();
    expect((await post('/ui/blocks/lift', { id: 'b1' })).headers.get('Location')).toBe('/ui/blocks?done=lifted');
    expect((await post('/ui/blocks/lift', { id: 'b1' })).headers.get('Location')).toBe('/ui/blocks?done=not-blocked');
    expect(done).toEqual(['ops lifts b1', 'ops lifts b1']);
  });

  it('has a configuration checked', async () => {
    const { post, signIn } = browse();
    await signIn();
    expect(await textOf(post('/ui/configuration/check', { text: 'a: b' }))).toContain('can be used');
    const wrong = await post('/ui/configuration/check', { text: '' });
    expect(wrong.status).toBe(422);
    expect(await textOf(wrong)).toMatch(/cannot be used.*nothing/);
  });
});

describe('the account page', () => {
  it('answers in the first sentence why an account cannot log in, and says what to do', async () => {
    const { get, signIn, telemetry } = browse();
    const reply = `[AUTH] Application-specific password required, not ${planted}`;
    telemetry.report(events.login({ account: 'her@att.net', result: 'refused', reply }));
    await signIn('viewer');
    const text = await textOf(get('/ui/accounts?account=Her@ATT.net'));
    expect(text).toContain('her@att.net cannot log in: the mail server &quot;att&quot; wants an app password');
    expect(text).toContain('What to do: Make an app password');
    expect(text).not.toContain(planted);
  });

  it('still tells of the logins while the store is away', async () => {
    const away = () => Promise.reject(new StoreUnavailable('down'));
    const { get, signIn, telemetry, errors } = browse({ guard: { ...fakeGuard([]), describeAccount: away } });
    telemetry.report(events.login({ account: 'her@att.net' }));
    await signIn();
    const text = await textOf(get('/ui/accounts?account=her@att.net'));
    expect(text).toContain('her@att.net can log in');
    expect(text).toContain('store cannot be asked');
    expect(errors).toHaveLength(1);
  });
});

describe('pages that cannot be made', () => {
  it('say that the store is away', async () => {
    const listBlocks = () => Promise.reject(new StoreUnavailable('down'));
    const { get, signIn } = browse({ guard: { ...fakeGuard([]), listBlocks } });
    await signIn();
    const blocks = await get('/ui/blocks');
    expect(blocks.status).toBe(503);
    expect(await textOf(blocks)).toContain('store of the login limits');
    expect((await get('/ui')).status).toBe(200);
  });

  it('are pages all the same, and tell nothing of the error', async () => {
    const { get, signIn, errors } = browse({
      limits: () => {
        throw new Error(planted);
      },
    });
    await signIn();
    const answer = await get('/ui/blocks');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain(planted);
    expect(errors).toHaveLength(1);
    expect((await get('/ui/nothing')).status).toBe(404);
  });
});

describe('the sessions page', () => {
  it('shows fifty at a time, searched by parts of what is shown', async () => {
    const { get, signIn, telemetry } = browse();
    for (let index = 0; index < 5_000; index += 1) {
      telemetry.report(events.opened({ sessionId: `s${index}` }));
      telemetry.report(events.login({ sessionId: `s${index}`, account: `u${index}@att.net` }));
    }
    await signIn();
    const times: number[] = [];
    let first = '';
    // Whatever else this machine is busy with, one of them is undisturbed.
    for (let tries = 0; tries < 5; tries += 1) {
      const startedAtMs = performance.now();
      first = await (await get('/ui/sessions')).text();
      times.push(performance.now() - startedAtMs);
    }
    expect(Math.min(...times)).toBeLessThan(200);
    expect(first.match(/id="end-/g)).toHaveLength(50);
    expect(first).toContain('5,000 sessions');
    expect(first).toContain('/ui/sessions?cursor=50');
    expect(await textOf(get('/ui/sessions?cursor=50'))).toContain('u50@att.net');
    const found = await textOf(get('/ui/sessions?search=U4999@'));
    expect(found).toContain('1 session, of 5,000');
    expect(found).toContain('u4999@att.net');
  });
});

describe('styles and scripts', () => {
  it('are kept by browsers for good, under an address that changes with them', async () => {
    const { app } = browse();
    const page = await (await app.request('/ui/sign-in')).text();
    const [, path = ''] = /src="(\/ui\/assets\/[^"]+\/pages\.js)"/.exec(page) ?? [];
    const script = await app.request(path);
    expect(script.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    const old = await app.request('/ui/assets/000000000000/pages.js');
    expect(old.headers.get('Cache-Control')).toBe('no-store');
  });

  it.each(['/ui/assets/a/..%2fpages.ts', '/ui/assets/a/nothing.js', '/ui/assets/a/__proto__'])(
    'are the only files: not %s',
    async (path) => {
      expect((await browse().app.request(path)).status).toBe(404);
    },
  );
});
