import type { Provider } from '../../policy/provider.ts';
import { emailOAuthProxy, ispdb, realAccounts, thunderbirdOAuth } from './sources.ts';

/** Google help: "Dots don't matter in Gmail addresses"; of custom domains they do. */
const gmailSpelling = { dotlessDomains: ['gmail.com', 'googlemail.com'], modePrefix: 'recent:' } as const;

const zohoNotes =
  'POP has to be switched on in the settings. A user reports it blocked for "excessive usage" until ' +
  'unblocked by hand.';

/** Providers with users all over the world. */
export const international = [
  {
    id: 'gmail',
    name: 'Gmail',
    domains: ['gmail.com', 'googlemail.com'],
    pop3: { host: 'pop.gmail.com', port: 995, tls: 'implicit' },
    username: 'address',
    spelling: gmailSpelling,
    password: 'app-password',
    notes:
      'POP has to be switched on in the settings. A user name that starts with "recent:" selects recent mode. ' +
      'Announces LOGIN-DELAY 300.',
    sources: [
      ispdb('googlemail.com'),
      thunderbirdOAuth,
      emailOAuthProxy,
      'Gmail CAPA: horde/Imap_Client PR #36 (2025-05)',
      realAccounts,
      'Google help answer 6089246 (mirror)',
    ],
  },
  {
    id: 'google-workspace',
    name: 'Google Workspace (custom domains)',
    domains: [],
    pop3: { host: 'pop.gmail.com', port: 995, tls: 'implicit' },
    username: 'address',
    spelling: gmailSpelling,
    notes:
      'Since March 2025 programs cannot sign in with the account password. Whether app passwords work is ' +
      'unconfirmed.',
    sources: [
      ispdb('googlemail.com'),
      emailOAuthProxy,
      'Google help answer 6089246 (mirror): since March 2025 Workspace accounts no longer support apps that sign in with username and password',
    ],
  },
  {
    id: 'icloud',
    name: 'iCloud Mail',
    domains: ['icloud.com', 'me.com', 'mac.com'],
    username: 'address',
    password: 'app-password',
    notes: 'Offers no POP3.',
    sources: [`${ispdb('me.com')} (no pop3 server)`],
  },
  {
    id: 'proton',
    name: 'Proton Mail',
    domains: ['proton.me', 'protonmail.com', 'pm.me'],
    username: 'address',
    notes: "Offers no public POP3 or IMAP; its Bridge serves IMAP and SMTP on the user's own machine.",
    sources: [],
  },
  {
    id: 'fastmail',
    name: 'Fastmail',
    domains: ['fastmail.com', 'fastmail.fm'],
    pop3: { host: 'pop.fastmail.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: 'OAuth needs PKCE and a client id of its own.',
    sources: [
      ispdb('messagingengine.com'),
      thunderbirdOAuth,
      emailOAuthProxy,
      'thunderbird/autoconfig PR #153',
      'preset list naming app passwords',
    ],
  },
  {
    id: 'pobox',
    name: 'Pobox',
    domains: ['pobox.com'],
    pop3: { host: 'mail.pobox.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('pobox.com')],
  },
  {
    id: 'rackspace',
    name: 'Rackspace Email',
    domains: [],
    pop3: { host: 'secure.emailsrvr.com', port: 995, tls: 'implicit' },
    username: 'address',
    notes:
      'The user name form is the one published for IMAP. Port 110 of pop.emailsrvr.com and mail.emailsrvr.com ' +
      'is without TLS and not for use.',
    sources: ['Rackspace support page source', ispdb('emailsrvr.com')],
  },
  {
    id: 'godaddy',
    name: 'GoDaddy Workspace Email',
    domains: [],
    pop3: { host: 'pop.secureserver.net', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'account',
    notes: 'Being retired. Moved mailboxes are on Microsoft 365 (microsoft365).',
    sources: [ispdb('wildwestdomains.com'), 'GoDaddy help 32394'],
  },
  {
    id: 'zoho-us',
    name: 'Zoho Mail (US)',
    domains: ['zoho.com', 'zohomail.com'],
    pop3: { host: 'pop.zoho.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: zohoNotes,
    sources: [ispdb('zoho.com'), 'help.zoho.com community topic "pop access blocked due to excessive usage"'],
  },
  {
    id: 'zoho-eu',
    name: 'Zoho Mail (EU)',
    domains: ['zoho.eu', 'zohomail.eu'],
    pop3: { host: 'pop.zoho.eu', port: 995, tls: 'implicit' },
    username: 'address',
    notes: zohoNotes,
    sources: [ispdb('zoho.eu'), 'help.zoho.com community topic "pop access blocked due to excessive usage"'],
  },
  {
    id: 'zoho-in',
    name: 'Zoho Mail (IN)',
    domains: ['zoho.in', 'zohomail.in'],
    pop3: { host: 'pop.zoho.in', port: 995, tls: 'implicit' },
    username: 'address',
    notes: zohoNotes,
    sources: [ispdb('zoho.in'), 'help.zoho.com community topic "pop access blocked due to excessive usage"'],
  },
  {
    id: 'zoho-jp',
    name: 'Zoho Mail (JP)',
    domains: ['zoho.jp', 'zohomail.jp'],
    pop3: { host: 'pop.zoho.jp', port: 995, tls: 'implicit' },
    username: 'address',
    notes: zohoNotes,
    sources: [ispdb('zoho.jp'), 'help.zoho.com community topic "pop access blocked due to excessive usage"'],
  },
  {
    id: 'zoho-au',
    name: 'Zoho Mail (AU)',
    domains: ['zoho.com.au', 'zohomail.com.au'],
    pop3: { host: 'pop.zoho.com.au', port: 995, tls: 'implicit' },
    username: 'address',
    notes: zohoNotes,
    sources: [ispdb('zoho.com.au'), 'help.zoho.com community topic "pop access blocked due to excessive usage"'],
  },
  {
    id: 'zoho-ca',
    name: 'Zoho Mail (CA)',
    domains: ['zohocloud.ca', 'zohomailcloud.ca'],
    pop3: { host: 'pop.zohocloud.ca', port: 995, tls: 'implicit' },
    username: 'address',
    notes: zohoNotes,
    sources: [ispdb('zohocloud.ca'), 'help.zoho.com community topic "pop access blocked due to excessive usage"'],
  },
] satisfies readonly Provider[];
