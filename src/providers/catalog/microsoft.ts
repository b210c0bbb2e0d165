import type { Provider } from '../../policy/provider.ts';
import { domainList } from './domain-list.ts';
import { emailOAuthProxy, exchangeDocs, ispdb, realAccounts, thunderbirdOAuth } from './sources.ts';

/** Microsoft: consumer mailboxes and Exchange Online. */
export const microsoft = [
  {
    id: 'outlook-com',
    name: 'Outlook.com / Hotmail / Live / MSN',
    domains: domainList(`
      hotmail.com live.com msn.com outlook.com windowslive.com outlook.at outlook.be outlook.cl outlook.cz outlook.de
      outlook.dk outlook.es outlook.fr outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv
      outlook.my outlook.ph outlook.pt outlook.sa outlook.sg outlook.sk outlook.co.id outlook.co.il outlook.co.th
      outlook.com.ar outlook.com.au outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn hotmail.be hotmail.ca
      hotmail.cl hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi hotmail.fr hotmail.gr hotmail.hu hotmail.it
      hotmail.lt hotmail.lv hotmail.my hotmail.nl hotmail.no hotmail.ph hotmail.rs hotmail.se hotmail.sg hotmail.sk
      hotmail.co.id hotmail.co.il hotmail.co.in hotmail.co.jp hotmail.co.kr hotmail.co.th hotmail.co.uk hotmail.co.za
      hotmail.com.ar hotmail.com.au hotmail.com.br hotmail.com.hk hotmail.com.tr hotmail.com.tw hotmail.com.vn live.at
      live.be live.ca live.cl live.cn live.de live.dk live.fi live.fr live.hk live.ie live.in live.it live.jp live.nl
      live.no live.ru live.se live.co.jp live.co.kr live.co.uk live.co.za live.com.ar live.com.au live.com.mx
      live.com.my live.com.ph live.com.pt live.com.sg livemail.tw olc.protection.outlook.com
    `),
    pop3: { host: 'outlook.office365.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'oauth-only',
    notes:
      'Password logins get "Basic authentication is disabled". POP has to be switched on per mailbox. XOAUTH2 ' +
      'works in its two-line form only, and tokens over 4096 characters are reported to fail.',
    sources: [
      ispdb('hotmail.com'),
      thunderbirdOAuth,
      emailOAuthProxy,
      exchangeDocs,
      realAccounts,
      'getmail6/getmail6 #256; marlam/mpop #11; jakartaee/mail-api #461, #477; kisli/vmime #267',
    ],
  },
  {
    id: 'microsoft365',
    name: 'Microsoft 365 / Exchange Online',
    domains: ['office365.com', 'onmicrosoft.com'],
    pop3: { host: 'outlook.office365.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'oauth-only',
    notes:
      'XOAUTH2 in its two-line form only. Client credentials need the permission POP.AccessAsApp and admin ' +
      'consent; a shared mailbox takes the token of a delegated user with the shared address as user name.',
    sources: [ispdb('office365.com'), thunderbirdOAuth, emailOAuthProxy, exchangeDocs],
  },
] satisfies readonly Provider[];
