import { describe, expect, it } from 'vitest';
import { account, startStage } from './stage.ts';

describe('the encryption inventory', () => {
  it('shows each way in which an account really logged in, and no refused login', async () => {
    await using stage = await startStage({
      script: { answer: (line) => (line === 'PASS wrong' ? '-ERR [AUTH] no\r\n' : undefined) },
    });
    using plaintext = await stage.logIn('starttls');
    using implicit = await stage.logIn('implicit');
    using stls = await stage.connect('starttls');
    await stls.startTls(stage.certificates.ca);
    await stls.logIn(account.user, account.password);
    using refused = await stage.connect('starttls');
    await refused.logIn('refused@corp.test', 'wrong');

    const { entries } = await (await stage.postern.ask('/api/v1/inventory')).json();
    const seen = { account: account.user, network: '127.0.0.1', logins: 1 };
    const tls = { tlsVersion: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/) };
    expect(entries).toMatchObject([
      { ...seen, listener: 'implicit', transport: 'implicit', ...tls },
      { ...seen, listener: 'starttls', transport: 'plaintext', tlsVersion: null, cipher: null },
      { ...seen, listener: 'starttls', transport: 'stls', ...tls },
    ]);
    expect(entries).toHaveLength(3);
    expect([plaintext, implicit, stls].every(({ receivedOctets }) => receivedOctets > 0)).toBe(true);
  });
});
