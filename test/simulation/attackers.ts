import type { Life, LoginEvent } from './login-event.ts';
import { ipv4, type Owner, type Span } from './owners.ts';
import type { Random } from './random.ts';

const secondMs = 1_000;
const dayMs = 86_400_000;

/** Whom and where there is to attack, and how hard. */
export interface Attack {
  readonly owners: readonly Owner[];
  /** Some of the machines that were taken over stand behind these. */
  readonly homes: readonly string[];
  /** Addresses of the botnet. */
  readonly bots: number;
  /** Accounts that somebody is after. */
  readonly targets: number;
  readonly random: Random;
  readonly span: Span;
}

/** One new password a quarter of a day for every account there is, and for names that nobody has. */
const sprayedPerDay = 4;
const unknownNames = 0.1;
/** A guesser's day. */
const guessesPerDay = 2_000;

/** All who guess. They begin when a day is over: who is known by then is an owner who stays in. */
export function sendAttackers(attack: Attack): Life[] {
  const { owners, random, targets } = attack;
  const chosen = new Set<Owner>();
  while (chosen.size < Math.min(targets, owners.length)) {
    const owner = owners[random.index(owners.length)];
    if (owner !== undefined) chosen.add(owner);
  }
  return [sprayLife(attack), ...Array.from(chosen, (owner, index) => guesserLife(owner, { attack, index }))];
}

/** A botnet that takes turns: each guess comes from one of its machines, of which a part stands in the same racks. */
function sprayLife({ owners, homes, bots, random: parent, span }: Attack): Life {
  const random = parent.fork();
  const addresses = Array.from({ length: bots }, (_, index) => botAddress(index / bots, { index, homes, random }));
  const names = owners.map(({ account }) => account);
  const unknown = Math.round(names.length * unknownNames);
  for (let name = 0; name < unknown; name += 1) names.push(`nobody${name}@example.com`);
  const gapMs = dayMs / (sprayedPerDay * names.length);
  return (function* (): Generator<LoginEvent, void, void> {
    const endMs = span.startMs + span.days * dayMs;
    let atMs = span.startMs + dayMs;
    for (let guess = 0; atMs < endMs; guess += 1) {
      const address = addresses[random.index(addresses.length)] ?? '';
      const account = names[(guess * 7_919) % names.length] ?? '';
      const password = `season ${Math.floor(guess / names.length)}`;
      yield { atMs, who: 'spray', account, address, password, device: `bot at ${address}` };
      atMs += gapMs * random.between(0, 2);
    }
  })();
}

/** A fifth in ten racks, one in fifty on the owners' own networks, one in two hundred behind their very address. */
function botAddress(
  share: number,
  { index, homes, random }: { readonly index: number; readonly homes: readonly string[]; readonly random: Random },
): string {
  if (share < 0.2) return ipv4({ first: 45, number: (index % 10) * 256 + 1 + (Math.floor(index / 10) % 250) });
  const home = homes[random.index(homes.length)] ?? '';
  if (share < 0.22) return home.replace(/\d+$/, String(128 + random.index(100)));
  if (share < 0.225) return home;
  return ipv4({ first: 120 + random.index(60), number: random.index(1 << 24) });
}

/** Somebody after one account: never the same guess, and hardly the same address, twice. */
function guesserLife({ account }: Owner, { attack, index }: { readonly attack: Attack; readonly index: number }): Life {
  const random = attack.random.fork();
  const { span } = attack;
  const isOnIpv6 = index % 5 === 4;
  const isBursting = index % 2 === 1;
  const pool = Array.from({ length: 2_000 }, () =>
    ipv4({ first: 180 + random.index(40), number: random.index(1 << 24) }),
  );
  const address = (): string =>
    isOnIpv6
      ? `2001:db8:${index.toString(16)}:${random.index(1 << 16).toString(16)}::1`
      : (pool[random.index(pool.length)] ?? '');
  return (function* (): Generator<LoginEvent, void, void> {
    const endMs = span.startMs + span.days * dayMs;
    let atMs = span.startMs + dayMs + random.next() * dayMs * 0.1;
    for (let guess = 0; atMs < endMs; guess += 1) {
      const from = address();
      yield { atMs, who: 'target', account, address: from, password: `word ${guess}`, device: `guesser at ${from}` };
      if (!isBursting) atMs += (dayMs / guessesPerDay) * random.between(0, 2);
      else if (guess % 150 !== 149) atMs += secondMs * random.between(0, 1);
      else atMs += (150 * dayMs) / guessesPerDay;
    }
  })();
}
