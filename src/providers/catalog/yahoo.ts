import type { Provider } from '../../policy/provider.ts';
import { domainList } from './domain-list.ts';
import { emailOAuthProxy, ispdb, thunderbirdOAuth } from './sources.ts';

/** Yahoo, and the providers it runs the mail of. */
export const yahoo = [
  {
    id: 'att',
    name: 'AT&T Mail (att.net family, currently.com)',
    domains: domainList(`
      ameritech.net att.net bellsouth.net currently.com flash.net nvbell.net pacbell.net prodigy.net sbcglobal.net
      snet.net swbell.net wans.net
    `),
    pop3: { host: 'inbound.att.net', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'secure-mail-key',
    notes:
      'Wants a secure mail key, one per program; the account password is refused. Run by Yahoo: inbound.att.net ' +
      'is an alias of pop-att.mail.yahoo.com. Its certificate was revoked and replaced in October 2026, so ' +
      'never pin it. The host pop.att.yahoo.com of older guides is out of date. The OAuth mail scope is given ' +
      'to new clients on request only.',
    sources: [
      ispdb('att.net'),
      thunderbirdOAuth,
      'thunderbird/autoconfig PR #151, #162',
      'AT&T POP certificate incident page, 2026-10-08',
      'AT&T Mail fact sheet citing att.com KM1010523',
    ],
  },
  {
    id: 'yahoo',
    name: 'Yahoo Mail',
    domains: domainList(`
      yahoo.com yahoo.ca yahoo.de yahoo.it yahoo.fr yahoo.es yahoo.se yahoo.co.in yahoo.co.uk yahoo.co.nz yahoo.com.au
      yahoo.com.ar yahoo.com.br yahoo.com.mx ymail.com myyahoo.com rocketmail.com
    `),
    pop3: { host: 'pop.mail.yahoo.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes:
      'yahoo.co.jp is a service of its own (yahoo-jp), and AOL mailboxes have servers of their own (aol). The ' +
      'OAuth mail scope is given to new clients on request only.',
    sources: [ispdb('yahoo.com'), thunderbirdOAuth, emailOAuthProxy],
  },
  {
    id: 'cox',
    name: 'Cox (hosted by Yahoo since 2024)',
    domains: ['cox.net'],
    pop3: { host: 'pop.mail.yahoo.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: 'That it takes app passwords is known from an IMAP guide.',
    sources: [
      ispdb('yahoo.com'),
      thunderbirdOAuth,
      'thunderbird/autoconfig PR #119, issue #109',
      'help.yahoo.com SLN36637',
    ],
  },
  {
    id: 'aol',
    name: 'AOL Mail',
    domains: domainList(`
      aol.com aim.com netscape.net netscape.com compuserve.com cs.com wmconnect.com aol.de aol.it aol.fr aol.es aol.se
      aol.co.uk aol.co.nz aol.com.au aol.com.ar aol.com.br aol.com.mx
    `),
    pop3: { host: 'pop.aol.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: 'The OAuth mail scope is given to new clients on request only.',
    sources: [ispdb('aol.com'), thunderbirdOAuth, emailOAuthProxy, 'preset list'],
  },
  {
    id: 'verizon',
    name: 'Verizon.net (run by AOL)',
    domains: ['verizon.net'],
    pop3: { host: 'pop.aol.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    sources: [
      ispdb('verizon.net'),
      thunderbirdOAuth,
      'thunderbird/autoconfig PR #145',
      'provider list naming AOL app password',
    ],
  },
  {
    id: 'yahoo-jp',
    name: 'Yahoo! JAPAN Mail',
    domains: ['yahoo.co.jp'],
    pop3: { host: 'pop.mail.yahoo.co.jp', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('yahoo.co.jp')],
  },
] satisfies readonly Provider[];
