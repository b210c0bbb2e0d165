import type { Provider } from '../../policy/provider.ts';
import { domainList } from './domain-list.ts';
import { ispdb, thunderbirdOAuth } from './sources.ts';

const encryptedPasswordNotes =
  'Published settings name an encrypted password method for POP; whether a plain login under TLS is ' +
  'accepted is unconfirmed.';

/** Internet providers of North and South America. */
export const americas = [
  {
    id: 'comcast',
    name: 'Comcast / Xfinity',
    domains: ['comcast.net'],
    pop3: { host: 'mail.comcast.net', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'account',
    notes:
      'Third Party Access Security has to be switched on first: without it a login fails like a wrong password. ' +
      "Mailboxes are moving to Yahoo Mail in phases, and a moved one may need Yahoo's settings.",
    sources: [
      ispdb('comcast.net'),
      thunderbirdOAuth,
      'xfinity third-party access',
      'tecknexus.com article on Xfinity mail moving to Yahoo Mail',
    ],
  },
  {
    id: 'spectrum',
    name: 'Charter / Spectrum',
    domains: ['charter.net', 'spectrum.net', 'bresnan.net'],
    pop3: { host: 'mobile.charter.net', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('charter.net')],
  },
  {
    id: 'roadrunner',
    name: 'Road Runner / TWC (Spectrum)',
    domains: ['rr.com'],
    pop3: { host: 'mail.twc.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('rr.com')],
  },
  {
    id: 'earthlink',
    name: 'EarthLink',
    domains: ['earthlink.net', 'mindspring.com', 'ix.netcom.com'],
    pop3: { host: 'pop.earthlink.net', port: 995, tls: 'implicit' },
    username: 'address',
    notes: encryptedPasswordNotes,
    sources: [ispdb('earthlink.net')],
  },
  {
    id: 'bell-ca',
    name: 'Bell Canada email',
    domains: ['bell.net', 'sympatico.ca'],
    pop3: { host: 'pophm.sympatico.ca', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('bell.net')],
  },
  {
    id: 'centurylink',
    name: 'CenturyLink.net',
    domains: ['centurylink.net', 'embarqmail.com'],
    pop3: { host: 'pop.centurylink.net', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('centurylink.net')],
  },
  {
    id: 'centurytel',
    name: 'CenturyTel.net',
    domains: domainList(`
      centurytel.net clds.net coastalnow.net cochill.net cswnet.com emadisonriver.com emadisonriver.net
      gallatinriver.net grics.net gulftel.com madisonriver.biz mebtel.net
    `),
    pop3: { host: 'pop.centurytel.net', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('centurytel.net')],
  },
  {
    id: 'q-com',
    name: 'Q.com',
    domains: ['q.com'],
    pop3: { host: 'mail.q.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('q.com')],
  },
  {
    id: 'ptd',
    name: 'PenTeleData',
    domains: ['ptd.net'],
    pop3: { host: 'promail.ptd.net', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('ptd.net')],
  },
  {
    id: 'uol',
    name: 'UOL',
    domains: ['uol.com.br'],
    pop3: { host: 'pop3.uol.com.br', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('uol.com.br')],
  },
  {
    id: 'bol',
    name: 'BOL - Brasil Online',
    domains: ['bol.com.br'],
    pop3: { host: 'pop3.bol.com.br', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('bol.com.br')],
  },
] satisfies readonly Provider[];
