import { describe, expect, it } from 'vitest';
import { appWith, expectProblem, viewerToken } from './ports.ts';

const headers = { Authorization: `Bearer ${viewerToken}` };

describe('the Host of a request', () => {
  it.each([
    'localhost:9110',
    '127.0.0.1:9110',
    '[::1]:9110',
    '10.1.2.3',
    'postern:9110',
    'a.localhost',
    'postern.example.com',
    'POSTERN.example.com.',
    'postern.mail.svc.cluster.local',
  ])('may be %s', async (host) => {
    expect((await appWith().app.request(`http://${host}/api/v1/status`, { headers })).status).toBe(200);
  });

  it.each([
    'evil.example',
    'evil.example:9110',
    'postern.example.com.evil.example',
    'svc.cluster.local',
    'xpostern.example.com',
  ])('may not be %s, whose owner can point it here', async (host) => {
    await expectProblem(await appWith().app.request(`http://${host}/api/v1/status`, { headers }), 421);
    await expectProblem(await appWith().app.request(`http://${host}/metrics`), 421);
  });

  it('may be anything for a health check', async () => {
    expect((await appWith().app.request('http://balancer.example/healthz')).status).toBe(200);
    expect((await appWith().app.request('http://balancer.example/readyz')).status).toBe(200);
  });
});
