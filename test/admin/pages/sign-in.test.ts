import { describe, expect, it } from 'vitest';
import type { AdminToken } from '../../../src/config/config.ts';
import { appWith, nowMs, operatorToken, viewerToken } from '../ports.ts';
import { browse, ownForm } from './browsing.ts';

describe('signing in', () => {
  it('leads to it from every page, and back to the page behind it', async () => {
    const { get, post } = browse();
    const away = await get('/ui/sessions?search=a');
    expect(away.status).toBe(303);
    expect(away.headers.get('Location')).toBe('/ui/sign-in?next=%2Fui%2Fsessions%3Fsearch%3Da');
    const back = await post('/ui/sign-in', { token: operatorToken, next: '/ui/sessions?search=a' });
    expect(back.headers.get('Location')).toBe('/ui/sessions?search=a');
  });

  it.each(['https://evil.example/', '//evil.example/', '/ui/../metrics#', '/uix', '/ui\\evil', 'javascript:alert(1)'])(
    'goes to the overview instead of %s',
    async (next) => {
      const answer = await browse().post('/ui/sign-in', { token: operatorToken, next });
      expect(new URL(answer.headers.get('Location') ?? '', 'http://localhost').pathname).toMatch(
        /^\/ui(?:$|\/)|^\/metrics$/,
      );
      expect(new URL(answer.headers.get('Location') ?? '', 'http://localhost').origin).toBe('http://localhost');
    },
  );

  it('keeps a random id in a cookie that scripts and other sites cannot use, and no token', async () => {
    const [one, other] = [await browse().signIn(), await browse().signIn()];
    const cookie = one.headers.get('Set-Cookie') ?? '';
    expect(cookie).toMatch(/^postern=[\w-]{32}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toBe(other.headers.get('Set-Cookie'));
  });

  it('keeps it for this very host and TLS alone where there is TLS', async () => {
    const answer = await appWith().app.request('https://localhost/ui/sign-in', {
      method: 'POST',
      body: `token=${operatorToken}`,
      headers: { ...ownForm, 'Content-Length': '100' },
    });
    expect(answer.headers.get('Set-Cookie')).toMatch(/^__Host-postern=.+; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  });

  it('refuses a wrong token, and notes that, but not the token', async () => {
    const { post, actions } = browse();
    const answer = await post('/ui/sign-in', { token: 'guessed-token' });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('Set-Cookie')).toBeNull();
    expect(await answer.text()).not.toContain('guessed-token');
    expect(actions).toMatchObject([{ action: 'authenticate', target: '/ui/sign-in', result: 'refused' }]);
    expect(JSON.stringify(actions)).not.toContain('guessed-token');
  });

  it('lets nobody guess on, neither here nor at the API', async () => {
    const { post, app, asViewer } = browse();
    for (let tries = 0; tries < 10; tries += 1) await post('/ui/sign-in', { token: `guess ${tries}` });
    const answer = await post('/ui/sign-in', { token: operatorToken });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect((await asViewer('/api/v1/status')).status).toBe(429);
    expect((await app.request('/ui/sign-in')).status).toBe(200);
  });

  it('ends with signing out', async () => {
    const { get, post, signIn } = browse();
    await signIn();
    expect((await get('/ui')).status).toBe(200);
    const out = await post('/ui/sign-out', {});
    expect(out.headers.get('Set-Cookie')).toMatch(/^postern=; Max-Age=0/);
    expect((await get('/ui')).status).toBe(303);
  });

  it('ends after twelve hours', async () => {
    let time = nowMs;
    const { get, signIn } = browse({ nowMs: () => time });
    await signIn();
    time += 12 * 3_600_000 - 1;
    expect((await get('/ui')).status).toBe(200);
    time += 1;
    expect((await get('/ui')).status).toBe(303);
  });

  it.each([
    ['another', [{ name: 'ops', role: 'operator', token: 'another-token-0123456789' }]],
    ['no', []],
  ] as const)('ends when there is %s token of this name', async (_which, later) => {
    let tokens: readonly AdminToken[] = [{ name: 'ops', role: 'operator', token: operatorToken }];
    const { get, signIn } = browse({ tokens: () => tokens });
    await signIn();
    expect((await get('/ui')).status).toBe(200);
    tokens = later;
    expect((await get('/ui')).status).toBe(303);
  });
});

describe('forms', () => {
  it.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['another port of this host', { 'Sec-Fetch-Site': 'same-site', Origin: 'http://localhost:8080' }],
    ['another port of this host, as an old browser sends it', { Origin: 'http://localhost:8080' }],
    ['nobody knows where', { Origin: 'null' }],
  ])('are refused from %s', async (_where, headers) => {
    const { post, signIn, done } = browse();
    await signIn();
    expect((await post('/ui/blocks/lift', { id: 'b1' }, headers)).status).toBe(403);
    expect((await post('/ui/sign-in', { token: operatorToken }, headers)).status).toBe(403);
    expect(done).toEqual([]);
  });

  it('are taken from pages of ours', async () => {
    const { post, signIn, done } = browse();
    await signIn();
    await post('/ui/blocks/lift', { id: 'b1' }, { 'Sec-Fetch-Site': 'same-origin', Origin: 'null' });
    expect(done).toEqual(['ops lifts b1']);
  });

  it('tell browsers to say where they come from, on connections without TLS, too', async () => {
    expect((await appWith().app.request('/ui/sign-in')).headers.get('Referrer-Policy')).toBe('same-origin');
  });
});

describe('the sign-in at the API', () => {
  it('reads', async () => {
    const { get, signIn } = browse();
    await signIn('viewer');
    expect(await (await get('/api/v1/status')).json()).toMatchObject({ you: { name: 'wall', role: 'viewer' } });
  });

  it.each(['cross-site', 'same-site'])('does not read for a page that is %s', async (site) => {
    const { get, signIn } = browse();
    await signIn();
    expect((await get('/api/v1/events', { 'Sec-Fetch-Site': site })).status).toBe(401);
  });

  it('changes nothing', async () => {
    const { post, signIn, done } = browse();
    await signIn();
    expect((await post('/api/v1/drain', {})).status).toBe(401);
    expect(done).toEqual([]);
  });

  it('does not stand in for a token that is wrong', async () => {
    const { get, signIn } = browse();
    await signIn();
    expect((await get('/api/v1/status', { Authorization: `Bearer ${viewerToken}x` })).status).toBe(401);
  });
});
