import type { Provider } from '../../policy/provider.ts';
import { ispdb, realAccounts } from './sources.ts';

const netEaseNotes =
  'The password is an authorization code. POP3 is switched on apart from IMAP; while it is off, logins get ' +
  '"Unable to log on".';

/** Providers of Asia, Australia and New Zealand. */
export const asiaPacific = [
  {
    id: 'qq',
    name: 'QQ Mail',
    domains: ['qq.com', 'foxmail.com'],
    pop3: { host: 'pop.qq.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: 'The password is an authorization code, made in the web settings.',
    sources: [realAccounts, 'UserMailAccounts test'],
  },
  {
    id: 'netease-163',
    name: 'NetEase 163.com',
    domains: ['163.com'],
    pop3: { host: 'pop.163.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: netEaseNotes,
    sources: [realAccounts, 'UserMailAccounts test'],
  },
  {
    id: 'netease-126',
    name: 'NetEase 126.com',
    domains: ['126.com'],
    pop3: { host: 'pop.126.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: netEaseNotes,
    sources: [realAccounts, 'UserMailAccounts test'],
  },
  {
    id: 'naver',
    name: 'Naver (KR)',
    domains: ['naver.com'],
    pop3: { host: 'pop.naver.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('naver.com')],
  },
  {
    id: 'ocn',
    name: 'OCN',
    domains: ['ocn.ne.jp', 'ocn.ad.jp'],
    pop3: { host: 'pop.ocn.ne.jp', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('ocn.ne.jp')],
  },
  {
    id: 'biglobe',
    name: 'Biglobe',
    domains: ['biglobe.ne.jp'],
    pop3: { host: 'mail.biglobe.ne.jp', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('biglobe.ne.jp')],
  },
  {
    id: 'rediffmail',
    name: 'Rediffmail',
    domains: ['rediffmail.com'],
    pop3: { host: 'pop.rediffmail.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('rediffmail.com')],
  },
  {
    id: 'telstra',
    name: 'Telstra Mail',
    domains: ['bigpond.com', 'bigpond.net.au', 'telstra.com', 'bigpond.net'],
    pop3: { host: 'pop.telstra.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('bigpond.com')],
  },
  {
    id: 'xtra-nz',
    name: 'Xtra Mail',
    domains: ['xtra.co.nz'],
    pop3: { host: 'pop3.xtra.co.nz', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('xtra.co.nz')],
  },
] satisfies readonly Provider[];
