import type { Provider } from '../../policy/provider.ts';
import { domainList } from './domain-list.ts';
import { ispdb } from './sources.ts';

/** German providers outside United Internet. */
export const germany = [
  {
    id: 't-online',
    name: 'Telekom / T-Online',
    domains: ['t-online.de', 'magenta.de'],
    pop3: { host: 'securepop.t-online.de', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: 'Wants the separate e-mail password for mail programs; the password of the web site does not work.',
    sources: [ispdb('t-online.de'), 'preset list'],
  },
  {
    id: 'freenet',
    name: 'freenet Mail',
    domains: ['freenet.de'],
    pop3: { host: 'mx.freenet.de', port: 995, tls: 'implicit' },
    username: 'address',
    notes: 'The POP host is known from a single third-party list: unconfirmed.',
    sources: ['preset list 2026-02 citing email.freenet.de', 'IMAP list with full address as user'],
  },
  {
    id: 'vodafone-de',
    name: 'Vodafone / Arcor (DE)',
    domains: ['vodafonemail.de', 'arcor.de', 'kabelmail.de'],
    pop3: { host: 'pop3.vodafonemail.de', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('vodafonemail.de')],
  },
  {
    id: 'mailbox-org',
    name: 'mailbox.org',
    domains: ['mailbox.org'],
    pop3: { host: 'pop3.mailbox.org', port: 995, tls: 'implicit' },
    username: 'address',
    sources: ['mailbox.org autoconfig XML copy', 'kb.mailbox.org e-mail-configuration'],
  },
  {
    id: 'posteo',
    name: 'Posteo',
    domains: domainList(`
      posteo.de posteo.at posteo.be posteo.ca posteo.ch posteo.cl posteo.co posteo.co.uk posteo.com posteo.com.br
      posteo.cr posteo.cz posteo.dk posteo.ee posteo.es posteo.eu posteo.fi posteo.gl posteo.gr posteo.hn posteo.hr
      posteo.hu posteo.ie posteo.in posteo.is posteo.it posteo.jp posteo.la posteo.li posteo.lt posteo.lu posteo.me
      posteo.mx posteo.my posteo.net posteo.nl posteo.no posteo.nz posteo.org posteo.pe posteo.pl posteo.pm posteo.pt
      posteo.ro posteo.se posteo.sg posteo.si posteo.tn posteo.uk posteo.us
    `),
    pop3: { host: 'posteo.de', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('posteo.de')],
  },
  {
    id: 'domainfactory',
    name: 'domainFACTORY',
    domains: ['ispgateway.de'],
    pop3: { host: 'sslin.df.eu', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('df.eu')],
  },
] satisfies readonly Provider[];
