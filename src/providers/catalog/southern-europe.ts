import type { Provider } from '../../policy/provider.ts';
import { ispdb } from './sources.ts';

const encryptedPasswordNotes =
  'Published settings name an encrypted password method for POP; whether a plain login under TLS is ' +
  'accepted is unconfirmed.';

/** Providers of France, Italy, Spain and Portugal. */
export const southernEurope = [
  {
    id: 'orange-fr',
    name: 'Orange / Wanadoo (FR)',
    domains: ['orange.fr', 'wanadoo.fr'],
    pop3: { host: 'pop.orange.fr', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('orange.fr')],
  },
  {
    id: 'free-fr',
    name: 'Free (FR)',
    domains: ['free.fr'],
    pop3: { host: 'pop.free.fr', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('free.fr')],
  },
  {
    id: 'sfr',
    name: 'SFR / Neuf (FR)',
    domains: ['sfr.fr', 'neuf.fr', 'club-internet.fr'],
    pop3: { host: 'pop.sfr.fr', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('sfr.fr')],
  },
  {
    id: 'laposte',
    name: 'La Poste (FR)',
    domains: ['laposte.net'],
    pop3: { host: 'pop.laposte.net', port: 995, tls: 'implicit' },
    username: 'localpart',
    sources: [ispdb('laposte.net')],
  },
  {
    id: 'gandi',
    name: 'Gandi Mail',
    domains: ['gandi.net'],
    pop3: { host: 'mail.gandi.net', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('gandi.net')],
  },
  {
    id: 'ovh',
    name: 'OVH',
    domains: ['ovh.net'],
    pop3: { host: 'ssl0.ovh.net', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('ovh.net')],
  },
  {
    id: 'libero',
    name: 'Libero (IT)',
    domains: ['libero.it', 'iol.it', 'blu.it', 'inwind.it', 'giallo.it'],
    pop3: { host: 'popmail.libero.it', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('libero.it')],
  },
  {
    id: 'virgilio',
    name: 'Virgilio (IT)',
    domains: ['virgilio.it'],
    pop3: { host: 'in.virgilio.it', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('virgilio.it')],
  },
  {
    id: 'tiscali-it',
    name: 'Tiscali (IT)',
    domains: ['tiscali.it'],
    pop3: { host: 'pop.tiscali.it', port: 995, tls: 'implicit' },
    username: 'address',
    notes: encryptedPasswordNotes,
    sources: [ispdb('tiscali.it')],
  },
  {
    id: 'tim-it',
    name: 'TIM Mail (IT)',
    domains: ['tim.it'],
    pop3: { host: 'pop.tim.it', port: 110, tls: 'starttls' },
    username: 'address',
    sources: [ispdb('tim.it')],
  },
  {
    id: 'alice-it',
    name: 'Alice (IT)',
    domains: ['alice.it'],
    pop3: { host: 'in.alice.it', port: 110, tls: 'starttls' },
    username: 'address',
    sources: [ispdb('alice.it')],
  },
  {
    id: 'fastweb-it',
    name: 'Fastweb (IT)',
    domains: ['fastwebnet.it'],
    pop3: { host: 'pop.fastwebnet.it', port: 995, tls: 'implicit' },
    username: 'address',
    notes: encryptedPasswordNotes,
    sources: [ispdb('fastwebnet.it')],
  },
  {
    id: 'sapo',
    name: 'SAPO Mail',
    domains: ['sapo.pt', 'sapo.cv', 'sapo.ao', 'sapo.mz', 'sapo.tl', 'meo.pt'],
    pop3: { host: 'pop.sapo.pt', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('sapo.pt')],
  },
  {
    id: 'dondominio',
    name: 'DonDominio/MrDomain',
    domains: ['dondominio.com'],
    pop3: { host: 'pop3.dondominio.com', port: 995, tls: 'implicit' },
    username: 'address',
    sources: [ispdb('dondominio.com')],
  },
] satisfies readonly Provider[];
