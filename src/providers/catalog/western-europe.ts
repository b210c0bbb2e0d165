import type { Provider } from '../../policy/provider.ts';
import { domainList } from './domain-list.ts';
import { ispdb } from './sources.ts';

/** Providers of the British Isles, the Low Countries and Switzerland. */
export const westernEurope = [
  {
    id: 'bt',
    name: 'BT Mail',
    domains: ['btinternet.com', 'btopenworld.com', 'talk21.com'],
    pop3: { host: 'mail.btinternet.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('btinternet.com')],
  },
  {
    id: 'sky',
    name: 'Sky Mail',
    domains: ['sky.com'],
    pop3: { host: 'pop.tools.sky.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('sky.com')],
  },
  {
    id: 'virgin-media',
    name: 'Virgin Media Mail',
    domains: ['virginmedia.com'],
    pop3: { host: 'pop3.virginmedia.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('virginmedia.com')],
  },
  {
    id: 'ntlworld',
    name: 'NTL World: Virgin Media Mail',
    domains: ['ntlworld.com'],
    pop3: { host: 'pop3.ntlworld.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('ntlworld.com')],
  },
  {
    id: 'blueyonder',
    name: 'Blueyonder: Virgin Media Mail',
    domains: ['blueyonder.co.uk'],
    pop3: { host: 'pop3.blueyonder.co.uk', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('blueyonder.co.uk')],
  },
  {
    id: 'virgin-net',
    name: 'Virgin.net: Virgin Media Mail',
    domains: ['virgin.net'],
    pop3: { host: 'pop.virgin.net', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('virgin.net')],
  },
  {
    id: 'kpn',
    name: 'KPN E-mail',
    domains: domainList(`
      kpnmail.nl kpnplanet.nl planet.nl wxs.nl hetnet.nl freeler.nl snelnet.net on.nl onsbrabantnet.nl onsmail.nl
      onsnet.nu onsneteindhoven.nl onsnetnuenen.nl xs4all.nl telfort.nl tip.nl tiscali.nl tiscalimail.nl
    `),
    pop3: { host: 'pop.kpnmail.nl', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('kpnmail.nl')],
  },
  {
    id: 'ziggo',
    name: 'Ziggo Mail',
    domains: domainList(`
      hahah.nl ziggomail.com casema.nl zinders.nl ziggo.nl zeggis.nl zeggis.com razcall.nl razcall.com upcmail.nl
      chello.nl multiweb.nl home.nl quicknet.nl
    `),
    pop3: { host: 'pop.ziggo.nl', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('ziggo.nl')],
  },
  {
    id: 'zeelandnet',
    name: 'ZeelandNet e-mail',
    domains: ['zeelandnet.nl'],
    pop3: { host: 'mail.zeelandnet.nl', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('zeelandnet.nl')],
  },
  {
    id: 'proximus',
    name: 'Proximus',
    domains: ['skynet.be', 'proximus.be', 'belgacom.net', 'kidcity.be'],
    pop3: { host: 'pop.proximus.be', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('skynet.be')],
  },
  {
    id: 'bluewin',
    name: 'Bluewin Mail',
    domains: ['bluewin.ch', 'bluemail.ch'],
    pop3: { host: 'pop3s.bluewin.ch', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('bluewin.ch')],
  },
] satisfies readonly Provider[];
