import type { Life, LoginEvent } from './login-event.ts';
import type { Random } from './random.ts';

const secondMs = 1_000;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The time that is played, in days; ms since the epoch. */
export interface Span {
  readonly startMs: number;
  readonly days: number;
}

/** A password that holds from a moment on, until the next. */
interface Password {
  readonly fromMs: number;
  readonly text: string;
}

/** Whose mail it is. */
export interface Owner {
  readonly account: string;
  /** In the order of time; the first holds from the start. */
  readonly passwords: readonly Password[];
  readonly place: Place;
}

/** Where somebody's programs are: one address, or another each day. */
export interface Place {
  addressOn(day: number): string;
}

/** Everybody with a right password, and what they do. */
export interface Owners {
  readonly owners: readonly Owner[];
  readonly lives: readonly Life[];
  /** Addresses that people share. */
  readonly addresses: readonly string[];
}

/** The password that holds. */
export function passwordAt({ passwords }: Pick<Owner, 'passwords'>, atMs: number): string {
  return passwords.findLast(({ fromMs }) => fromMs <= atMs)?.text ?? '';
}

/** An IPv4 address: the `number`-th of a block that `first` begins. */
export function ipv4({ first, number }: { readonly first: number; readonly number: number }): string {
  return `${first}.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

/** Homes of a /24: many customers of one provider. */
const homesPerNetwork = 64;
/** Addresses that those with a new one each day draw from. */
const poolSize = 4_096;
const cafes = 2_000;

/** Settles so many owners, most with one program, in households and offices. */
export function settleOwners(
  count: number,
  { random, span }: { readonly random: Random; readonly span: Span },
): Owners {
  const owners: Owner[] = [];
  const addresses: string[] = [];
  while (owners.length < count) {
    const { place, size } = foundPlace(addresses.length, random);
    addresses.push(place.addressOn(0));
    for (let member = 0; member < size && owners.length < count; member += 1) {
      const account = `owner${owners.length}@example.com`;
      owners.push({ account, place, passwords: passwordsOf(account, { random, span }) });
    }
  }
  return { owners, addresses, lives: owners.flatMap((owner) => livesOf(owner, { random, span })) };
}

function foundPlace(number: number, random: Random): { readonly place: Place; readonly size: number } {
  const home = Math.floor(number / homesPerNetwork) * 256 + (number % homesPerNetwork) + 1;
  const address = ipv4({ first: 81, number: home });
  const fixed: Place = { addressOn: () => address };
  return random.pick<{ place: Place; size: number }>([
    [{ place: fixed, size: 1 + random.index(4) }, 90],
    // A new address each day, which was somebody else's the day before.
    [{ place: dynamicPlace(random.fork()), size: 1 + random.index(4) }, 9],
    [{ place: fixed, size: 20 + random.index(181) }, 1],
  ]);
}

function dynamicPlace(random: Random): Place {
  const addresses: string[] = [];
  return {
    addressOn: (day) => {
      while (addresses.length <= day) addresses.push(ipv4({ first: 82, number: random.index(poolSize) }));
      return addresses[day] ?? '';
    },
  };
}

/** One in twenty changes the password on one of the days, and of these one in five changes it back. */
function passwordsOf(account: string, { random, span }: { readonly random: Random; readonly span: Span }): Password[] {
  const first = { fromMs: 0, text: `first of ${account}` };
  if (!random.chance(0.05)) return [first];
  const changedMs = span.startMs + random.between(1, Math.max(span.days - 0.5, 1.5)) * dayMs;
  const second = { fromMs: changedMs, text: `second of ${account}` };
  if (!random.chance(0.2)) return [first, second];
  return [first, second, { fromMs: changedMs + random.between(2, 48) * hourMs, text: first.text }];
}

function livesOf(owner: Owner, { random, span }: { readonly random: Random; readonly span: Span }): Life[] {
  const hasChanged = owner.passwords.length > 1;
  const inUse = deviceLife(owner, {
    name: 'first',
    // Its owner is asked for the new password, and types it in before long.
    lagMs: random.between(1 * minuteMs, 2 * hourMs),
    ...{ random, span },
  });
  const lives = [inUse];
  if (hasChanged || random.chance(0.25)) {
    // Forgotten for days, or for good.
    const lagMs = random.chance(0.5) ? random.between(1, 4) * dayMs : Number.POSITIVE_INFINITY;
    lives.push(deviceLife(owner, { name: 'second', lagMs: hasChanged ? lagMs : 0, random, span }));
  }
  if (random.chance(0.01)) lives.push(forgottenLife(owner, { random, span }));
  if (random.chance(0.003 * span.days)) lives.push(setUpLife(owner, { random, span }));
  return lives;
}

interface Device {
  readonly name: string;
  /** How long after a change it gets the new password. */
  readonly lagMs: number;
  readonly random: Random;
  readonly span: Span;
}

/** Polls while it is switched on, from home but for the afternoons on the road. */
function deviceLife(owner: Owner, { name, lagMs, random: parent, span }: Device): Life {
  const random = parent.fork();
  const intervalMs = random.pick([
    [10 * minuteMs, 5],
    [15 * minuteMs, 15],
    [30 * minuteMs, 40],
    [60 * minuteMs, 40],
  ]);
  const isAlwaysOn = random.chance(0.15);
  const travels = random.chance(0.05);
  const device = `${name} of ${owner.account}`;
  return (function* () {
    for (let day = 0; day < span.days; day += 1) {
      const midnightMs = span.startMs + day * dayMs;
      const fromMs = isAlwaysOn ? 0 : random.between(6, 10) * hourMs;
      const untilMs = isAlwaysOn ? dayMs : fromMs + random.between(4, 10) * hourMs;
      const road =
        travels && random.chance(0.3) ? ipv4({ first: 83, number: random.index(cafes) * 256 + 1 }) : undefined;
      for (let ms = fromMs + random.next() * intervalMs; ms < untilMs; ms += intervalMs * random.between(0.97, 1.03)) {
        const isOnTheRoad = ms > 12 * hourMs && ms < 17 * hourMs;
        yield {
          atMs: midnightMs + ms,
          who: 'owner',
          account: owner.account,
          address: (isOnTheRoad ? road : undefined) ?? owner.place.addressOn(day),
          password: knownPassword(owner, { atMs: midnightMs + ms, lagMs }),
          device,
        };
      }
    }
  })();
}

/** What a program knows that learns of changes late; what it never learnt may hold again. */
function knownPassword(
  { passwords }: Owner,
  { atMs, lagMs }: { readonly atMs: number; readonly lagMs: number },
): string {
  return passwords.findLast(({ fromMs }) => fromMs === 0 || fromMs + lagMs <= atMs)?.text ?? '';
}

/** A machine that nobody remembers, with a password from long ago; it never stops. */
function forgottenLife(owner: Owner, { random: parent, span }: { readonly random: Random; readonly span: Span }): Life {
  const random = parent.fork();
  const intervalMs = random.pick([
    [1 * minuteMs, 30],
    [5 * minuteMs, 40],
    [15 * minuteMs, 30],
  ]);
  const device = `forgotten of ${owner.account}`;
  const isAtHome = random.chance(0.7);
  const elsewhere = ipv4({ first: 84, number: random.index(1 << 16) });
  return (function* () {
    const endMs = span.days * dayMs;
    for (let ms = random.next() * intervalMs; ms < endMs; ms += intervalMs * random.between(0.97, 1.03)) {
      yield {
        atMs: span.startMs + ms,
        who: 'owner',
        account: owner.account,
        address: isAtHome ? owner.place.addressOn(Math.floor(ms / dayMs)) : elsewhere,
        password: `long ago of ${owner.account}`,
        device,
      };
    }
  })();
}

/** Sets one more program up, at home or somewhere new, with a typo or a few; the program tries each twice. */
function setUpLife(owner: Owner, { random: parent, span }: { readonly random: Random; readonly span: Span }): Life {
  const random = parent.fork();
  const day = 1 + random.index(Math.max(span.days - 1, 1));
  const startMs = span.startMs + day * dayMs + random.between(8, 22) * hourMs;
  const typos = random.pick([
    [1, 50],
    [2, 30],
    [3, 15],
    [4, 5],
  ]);
  const address = random.chance(0.6) ? owner.place.addressOn(day) : ipv4({ first: 84, number: random.index(1 << 16) });
  const common = { account: owner.account, address, device: `new of ${owner.account}` };
  return (function* (): Generator<LoginEvent, void, void> {
    let atMs = startMs;
    for (let typo = 0; typo < typos; typo += 1) {
      const password = `typo ${typo} of ${owner.account}`;
      yield { ...common, atMs, who: 'typo', password };
      yield { ...common, atMs: atMs + 2 * secondMs, who: 'typo', password };
      atMs += random.between(15, 60) * secondMs;
    }
    for (let poll = 0; poll < 10; poll += 1) {
      yield { ...common, atMs, who: 'owner', password: passwordAt(owner, atMs) };
      atMs += 5 * minuteMs;
    }
  })();
}
