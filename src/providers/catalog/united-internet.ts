import type { Provider } from '../../policy/provider.ts';
import { domainList } from './domain-list.ts';
import { ispdb } from './sources.ts';

/** The brands of United Internet: GMX, WEB.DE, mail.com, IONOS, Strato. */
export const unitedInternet = [
  {
    id: 'gmx-com',
    name: 'GMX (international)',
    domains: domainList(`
      gmx.com gmx.tm gmx.us gmx.co.uk gmx.es gmx.fr gmx.ca gmx.cn gmx.co.in gmx.com.br gmx.com.my gmx.hk gmx.ie gmx.ph
      gmx.pt gmx.ru gmx.se gmx.sg gmx.tw gmx.com.tr gmx.it gmx.li
    `),
    pop3: { host: 'pop.gmx.com', port: 995, tls: 'implicit' },
    username: 'address',
    notes: 'POP3 and IMAP have to be switched on once in the mailbox settings.',
    sources: [ispdb('gmx.com'), 'preset list'],
  },
  {
    id: 'gmx-net',
    name: 'GMX (DE/AT/CH)',
    domains: domainList(`
      gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.biz gmx.org gmx.info mein.gmx mail.gmx email.gmx
    `),
    pop3: { host: 'pop.gmx.net', port: 995, tls: 'implicit' },
    username: 'address',
    notes: 'POP3 and IMAP have to be switched on once in the mailbox settings.',
    sources: [ispdb('gmx.net')],
  },
  {
    id: 'web-de',
    name: 'WEB.DE',
    domains: ['web.de'],
    pop3: { host: 'pop3.web.de', port: 995, tls: 'implicit' },
    username: 'localpart',
    minPollSeconds: 900,
    notes:
      'POP3 and IMAP have to be switched on once in the mailbox settings. Logins within 15 minutes of the last ' +
      'one fail.',
    sources: [ispdb('web.de')],
  },
  {
    id: 'mail-com',
    name: 'mail.com',
    domains: domainList(`
      mail.com mail.org email.com post.com usa.com accountant.com consultant.com dr.com engineer.com cheerful.com
      techie.com linuxmail.org europe.com london.com uymail.com myself.com iname.com writeme.com 2die4.com
      activist.com adexec.com africamail.com aircraftmail.com alabama.usa.com alaska.usa.com allergist.com alumni.com
      alumnidirector.com americamail.com amorous.com angelic.com archaeologist.com arizona.usa.com artlover.com
      asia-mail.com atheist.com australiamail.com bartender.net berlin.com bigger.com bikerider.com birdlover.com
      blader.com boardermail.com brazilmail.com brew-master.com california.usa.com californiamail.com caress.com
      catlover.com chef.net chemist.com chinamail.com clerk.com cliffhanger.com collector.org columnist.com comic.com
      computer4u.com contractor.net coolsite.net counsellor.com count.com couple.com cutey.com cyberdude.com
      cybergal.com cyber-wizard.com dallasmail.com dbzmail.com deliveryman.com diplomats.com disciples.com doctor.com
      doglover.com doramail.com dublin.com earthling.net elvisfan.com englandmail.com europemail.com execs.com fan.com
      feelings.com financier.com fireman.net florida.usa.com footballer.com gardener.com geologist.com germanymail.com
      graduate.org graphic-designer.com hackermail.com hairdresser.net hilarious.com hockeymail.com homemail.com
      hot-shot.com hour.com humanoid.net illinois.usa.com innocent.com inorbit.com instruction.com instructor.net
      insurer.com irelandmail.com italymail.com japan.com journalist.com keromail.com kittymail.com koreamail.com
      lawyer.com legislator.com loveable.com lovecat.com mad.scientist.com madonnafan.com madrid.com marchmail.com
      mexicomail.com mindless.com minister.com mobsters.com monarchy.com moscowmail.com munich.com musician.org
      muslim.com newyork.usa.com null.net nycmail.com oath.com optician.com pacificwest.com petlover.com
      photographer.net playful.com poetic.com politician.com popstar.com presidency.com priest.com programmer.net
      publicist.com realtyagent.com reborn.com reggaefan.com religious.com repairman.com representative.com
      rescueteam.com revenue.com rocketship.com rockfan.com rome.com royal.net saintly.com salesperson.net
      sanfranmail.com scientist.com scotlandmail.com secretary.net seductive.com singapore.com snakebite.com
      songwriter.net soon.com spainmail.com teachers.org technologist.com texas.usa.com thegame.com therapist.net
      toke.com tokyo.com toothfairy.com tvstar.com umpire.com wallet.com webname.com weirdness.com who.net whoever.com
      winning.com witty.com worker.com workmail.com yours.com
    `),
    pop3: { host: 'pop.mail.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('mail.com')],
  },
  {
    id: '1und1',
    name: '1&1 / IONOS (DE)',
    domains: domainList(`
      online.de onlinehome.de sofortstart.de sofort-start.de sofortsurf.de sofort-surf.de go4more.de schlund.de
    `),
    pop3: { host: 'pop.1und1.de', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('1und1.de')],
  },
  {
    id: 'ionos',
    name: 'IONOS (.com)',
    domains: [],
    pop3: { host: 'pop.ionos.com', port: 995, tls: 'implicit' },
    username: 'address',
    password: 'account',
    notes: 'Wants the password of the mailbox.',
    sources: ['IONOS autoconfig XML copy'],
  },
  {
    id: 'strato',
    name: 'Strato',
    domains: ['strato.de'],
    pop3: { host: 'pop3.strato.de', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('strato.de')],
  },
] satisfies readonly Provider[];
