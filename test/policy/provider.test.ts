import { describe, expect, test } from 'vitest';
import { type Provider, replyForUnservedProvider } from '../../src/policy/provider.ts';
import { catalog } from '../../src/providers/catalog.ts';

const served: Provider = {
  id: 'example',
  name: 'Example Mail',
  domains: ['example.com'],
  pop3: { host: 'pop.example.com', port: 995, tls: 'implicit' },
  username: 'address',
  password: 'app-password',
  sources: ['a test'],
};

describe(replyForUnservedProvider, () => {
  test('is undefined for a provider that takes passwords over POP3', () => {
    expect(replyForUnservedProvider(served)).toBeUndefined();
  });

  test('is undefined where the kind of password is not known', () => {
    const { password: _, ...unknown } = served;
    expect(replyForUnservedProvider(unknown)).toBeUndefined();
  });

  test('says that there is no POP3, whatever the kind of password', () => {
    const { pop3: _, ...withoutPop3 } = served;
    for (const provider of [withoutPop3, { ...withoutPop3, password: 'oauth-only' as const }]) {
      expect(replyForUnservedProvider(provider)).toMatch(/^\[SYS\/PERM\] Example Mail offers no POP3, /);
    }
  });

  test('says that only OAuth sign-in is taken and that the password stayed here', () => {
    const reply = replyForUnservedProvider({ ...served, password: 'oauth-only' });
    expect(reply).toMatch(/^\[SYS\/PERM\] Example Mail takes no passwords, only OAuth sign-in, /);
    expect(reply).toContain('your password was not sent');
  });

  test('refuses exactly the providers of the catalog that cannot be served', () => {
    const refused = catalog.filter((provider) => replyForUnservedProvider(provider) !== undefined);
    expect(refused.map(({ id }) => id).sort()).toEqual(['icloud', 'microsoft365', 'outlook-com', 'proton']);
  });

  // RFC 2449 §4 allows a response line 512 octets; its status indicator, CRLF and a margin are left.
  test('fits a response line in ASCII for every provider of the catalog', () => {
    for (const provider of catalog) {
      expect(replyForUnservedProvider(provider) ?? '-').toMatch(/^[ -~]{1,400}$/);
    }
  });
});
