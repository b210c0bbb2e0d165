import { comparableName } from '../lower-case.ts';
import { formatIpBlock, type IpBlock, maskedKey, readAddress, readIpBlock } from './ip-block.ts';

/** The longest local part and domain that SMTP can deliver to (RFC 5321 §4.5.3.1), and the `@` between them. */
const maxAccountCharacters = 64 + 1 + 255;

/** What an entry is about: a CIDR block or address, an account, or all accounts of a domain as `*@example.com`. */
export type EntryTarget = { readonly network: string } | { readonly account: string };

/** What an operator decided about a network or an account. */
export interface ManualEntry {
  readonly effect: 'block' | 'allow';
  readonly target: EntryTarget;
  /** In the operator's words. */
  readonly reason: string;
  /** The name of the admin token that asked for it. */
  readonly by: string;
  readonly addedAtMs: number;
  /** Absent: it has no end. */
  readonly untilMs?: number;
}

/** Who tries to log in; without an account, who connects. */
export interface MatchedLogin {
  /** IPv4 or IPv6 text. */
  readonly address: string;
  /** Its names: what the limits count it by, and the address that is shown of it where that is another. */
  readonly accounts?: readonly string[];
}

/** What the entries say about a login. */
export interface ManualVerdict {
  /** Refuses it, whatever else holds. */
  readonly block?: ManualEntry;
  /** No automatic limit applies to its address. */
  readonly isAddressAllowed: boolean;
  /** No automatic limit applies to its account. */
  readonly isAccountAllowed: boolean;
}

type Effect = ManualEntry['effect'];

/** What is known for one network, account or domain. */
type Entries = { readonly [effect in Effect]?: ManualEntry };

const untouched: ManualVerdict = { isAddressAllowed: false, isAccountAllowed: false };

/** Manual entries, prepared so that matching takes as long for thousands of them as for a few. */
export class ManualEntries {
  /** By prefix length, then by the bits in front of it; IPv4 and IPv6 apart. */
  readonly #networks = { ipv4: new Map<number, Map<string, Entries>>(), ipv6: new Map<number, Map<string, Entries>>() };
  readonly #accounts = new Map<string, Entries>();
  readonly #domains = new Map<string, Entries>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an entry in place of one with the same effect and target. False: its target can match nothing. */
  add(entry: ManualEntry): boolean {
    const place = this.#place(entry.target);
    if (place === undefined) return false;
    const entries = place.map.get(place.key);
    if (entries?.[entry.effect] === undefined) this.#size += 1;
    place.map.set(place.key, { ...entries, [entry.effect]: entry });
    return true;
  }

  remove({ effect, target }: Pick<ManualEntry, 'effect' | 'target'>): void {
    const place = this.#place(target);
    const entries = place?.map.get(place.key);
    if (place === undefined || entries?.[effect] === undefined) return;
    this.#size -= 1;
    const other = effect === 'block' ? 'allow' : 'block';
    if (entries[other] === undefined) place.map.delete(place.key);
    else place.map.set(place.key, { [other]: entries[other] });
  }

  /** What holds at `nowMs`. Of several blocks the one that lasts longest tells the reason. */
  match({ address, accounts = [] }: MatchedLogin, nowMs: number): ManualVerdict {
    if (this.#size === 0) return untouched;
    const ofAddress = this.#ofAddress(address);
    const ofAccount = accounts.flatMap((account) => this.#ofAccount(account));
    const holds = (entry: ManualEntry | undefined): entry is ManualEntry =>
      entry !== undefined && (entry.untilMs === undefined || entry.untilMs > nowMs);
    const block = [...ofAddress, ...ofAccount]
      .map((entries) => entries.block)
      .filter(holds)
      .reduce<ManualEntry | undefined>((longest, entry) => (endsLater(entry, longest) ? entry : longest), undefined);
    return {
      ...(block !== undefined && { block }),
      isAddressAllowed: ofAddress.some((entries) => holds(entries.allow)),
      isAccountAllowed: ofAccount.some((entries) => holds(entries.allow)),
    };
  }

  #ofAddress(address: string): readonly Entries[] {
    const groups = readAddress(address);
    if (groups === undefined) return [];
    const found: Entries[] = [];
    for (const [prefix, blocks] of groups.length === 2 ? this.#networks.ipv4 : this.#networks.ipv6) {
      const entries = blocks.size === 0 ? undefined : blocks.get(maskedKey(groups, prefix));
      if (entries !== undefined) found.push(entries);
    }
    return found;
  }

  #ofAccount(account: string): readonly Entries[] {
    const name = comparableName(account);
    const at = name.lastIndexOf('@');
    const found = [this.#accounts.get(name), at === -1 ? undefined : this.#domains.get(name.slice(at + 1))];
    return found.filter((entries) => entries !== undefined);
  }

  #place(target: EntryTarget): { readonly map: Map<string, Entries>; readonly key: string } | undefined {
    if ('account' in target) {
      const name = comparableName(target.account);
      return name.startsWith('*@') ? { map: this.#domains, key: name.slice(2) } : { map: this.#accounts, key: name };
    }
    const block = readIpBlock(target.network);
    return block === undefined
      ? undefined
      : { map: this.#blocksLike(block), key: maskedKey(block.groups, block.prefix) };
  }

  #blocksLike({ groups, prefix }: IpBlock): Map<string, Entries> {
    const byPrefix = groups.length === 2 ? this.#networks.ipv4 : this.#networks.ipv6;
    const blocks = byPrefix.get(prefix) ?? new Map<string, Entries>();
    byPrefix.set(prefix, blocks);
    return blocks;
  }
}

function endsLater(entry: ManualEntry, other: ManualEntry | undefined): boolean {
  return (
    other === undefined || (entry.untilMs ?? Number.POSITIVE_INFINITY) > (other.untilMs ?? Number.POSITIVE_INFINITY)
  );
}

/** A target in the one spelling that is kept and compared; undefined where it can match nothing. */
export function canonicalTarget(target: EntryTarget): EntryTarget | undefined {
  if ('network' in target) {
    const block = readIpBlock(target.network);
    return block && { network: formatIpBlock(block) };
  }
  const account = comparableName(target.account);
  // A star stands for all names of one domain, and for nothing else.
  const isName = account.length <= maxAccountCharacters && /^(?:\*@)?[^*\s]+$/.test(account);
  return isName ? { account } : undefined;
}
