import type { Provider } from '../../policy/provider.ts';
import { domainList } from './domain-list.ts';
import { ispdb, thunderbirdOAuth } from './sources.ts';

/** Czech, Slovak, Polish and Russian providers. */
export const easternEurope = [
  {
    id: 'seznam',
    name: 'Seznam (CZ)',
    domains: ['seznam.cz', 'email.cz', 'post.cz', 'spoluzaci.cz'],
    pop3: { host: 'pop3.seznam.cz', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('seznam.cz')],
  },
  {
    id: 'websupport-sk',
    name: 'WebSupport',
    domains: ['websupport.sk'],
    pop3: { host: 'pop.websupport.sk', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('websupport.sk')],
  },
  {
    id: 'onet',
    name: 'Onet Poczta',
    domains: domainList(`
      onet.pl onet.eu poczta.onet.pl poczta.onet.eu op.pl vp.pl autograf.pl buziaczek.pl amorki.pl republika.pl
      adres.pl cyberia.pl onet.com.pl opoczta.pl pseudonim.pl spoko.pl vip.onet.pl
    `),
    pop3: { host: 'pop3.poczta.onet.pl', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('onet.pl')],
  },
  {
    id: 'wp',
    name: 'Poczta Wirtualna Polska',
    domains: ['wp.pl'],
    pop3: { host: 'pop3.wp.pl', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('wp.pl')],
  },
  {
    id: 'o2-pl',
    name: 'o2 Poczta',
    domains: ['o2.pl', 'go2.pl', 'tlen.pl', 'prokonto.pl'],
    pop3: { host: 'poczta.o2.pl', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('o2.pl')],
  },
  {
    id: 'mail-ru',
    name: 'Mail.ru',
    domains: ['mail.ru', 'inbox.ru', 'list.ru', 'bk.ru', 'corp.mail.ru'],
    pop3: { host: 'pop.mail.ru', port: 995, tls: 'implicit' },
    username: 'address',
    notes: 'OAuth over POP is unproven: published settings name it, but Thunderbird uses it for IMAP and SMTP only.',
    sources: [ispdb('mail.ru'), thunderbirdOAuth],
  },
  {
    id: 'yandex',
    name: 'Yandex Mail',
    domains: ['yandex.ru', 'yandex.com', 'yandex.net', 'yandex.by', 'yandex.kz', 'yandex.ua', 'ya.ru', 'narod.ru'],
    pop3: { host: 'pop.yandex.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'app-password',
    notes: 'Published settings name password logins only; no OAuth for POP is known.',
    sources: [ispdb('yandex.ru'), 'preset list naming app passwords'],
  },
  {
    id: 'rambler',
    name: 'Rambler (RU)',
    domains: ['rambler.ru'],
    pop3: { host: 'pop.rambler.ru', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('rambler.ru')],
  },
] satisfies readonly Provider[];
