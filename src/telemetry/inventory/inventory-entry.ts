import { limitedNetwork } from '../../policy/ip-network.ts';
import { type Transport, transports } from '../../policy/transport.ts';
import type { GateEvent, TlsFacts } from '../../proxy/events.ts';
import { printableAccount } from '../printable.ts';

/** What tells one entry from another: a client that moves from plaintext to TLS has two. */
export interface InventoryKey {
  /** Printable. */
  readonly account: string;
  /** The client's IPv4 address, or its /64 of IPv6. */
  readonly network: string;
  readonly listener: string;
  readonly transport: Transport;
}

/** Logins of one account from one network, by one listener and transport. */
export interface InventoryEntry extends InventoryKey {
  /** Of the last login; absent for plaintext. */
  readonly tls?: Pick<TlsFacts, 'version' | 'cipher' | 'keyExchange'>;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly logins: number;
}

/** What an event adds to the inventory; undefined where it is not an accepted login. */
export function sightingOf(event: GateEvent, nowMs: number): InventoryEntry | undefined {
  if (event.kind !== 'loginFinished' || event.result !== 'accepted') return undefined;
  const { account, address, listener, transport, clientTls } = event;
  return {
    account: printableAccount(account),
    network: limitedNetwork(address),
    listener,
    transport,
    ...(clientTls === undefined ? {} : { tls: pickTls(clientTls) }),
    firstSeenMs: nowMs,
    lastSeenMs: nowMs,
    logins: 1,
  };
}

function pickTls({ version, cipher, keyExchange }: TlsFacts): NonNullable<InventoryEntry['tls']> {
  return { version, cipher, ...(keyExchange === undefined ? {} : { keyExchange }) };
}

/** Two sightings under one key as one; the order does not matter. */
export function mergeEntries(one: InventoryEntry, other: InventoryEntry): InventoryEntry {
  const [earlier, later] = one.lastSeenMs <= other.lastSeenMs ? [one, other] : [other, one];
  return {
    ...later,
    firstSeenMs: Math.min(earlier.firstSeenMs, later.firstSeenMs),
    logins: earlier.logins + later.logins,
  };
}

/** The key as one text. Texts sort by account, network, listener and transport. */
export function formatKey({ account, network, listener, transport }: InventoryKey): string {
  return JSON.stringify([account, network, listener, transport]);
}

/** Reads a formatted key; undefined where the text is none. */
export function parseKey(text: string): InventoryKey | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return undefined;
  const [account, network, listener, last] = parts;
  const transport = transports.find((each) => each === last);
  if (account === undefined || network === undefined || listener === undefined || transport === undefined)
    return undefined;
  return { account, network, listener, transport };
}
