import { noNetworks } from '../policy/networks.ts';
import type { Draft } from './draft.ts';
import type { Complaint } from './problems.ts';

/** Checks what a listener's values about its clients' TLS must be to each other, and to the runtime. */
export function* checkClientTls({ listeners }: Draft, { isDeno }: { readonly isDeno: boolean }): Generator<Complaint> {
  for (const [index, listener] of listeners.entries()) {
    for (const [key, reason] of checkListener(listener, isDeno)) yield { path: ['listeners', index, key], reason };
  }
}

type ListenerDraft = Draft['listeners'][number];

function* checkListener(listener: ListenerDraft, isDeno: boolean): Generator<readonly [keyof ListenerDraft, string]> {
  const { tls, tlsProfile, plaintextFrom, plaintextUntil, clientCa, clientCertificate, certificateAccounts } = listener;
  if (isDeno && tlsProfile === 'legacy') {
    yield ['tlsProfile', 'modern or intermediate; Deno has no TLS below 1.2: run Postern on Node.js for such clients'];
  }
  if (plaintextUntil !== undefined && (plaintextFrom === undefined || plaintextFrom === noNetworks)) {
    yield ['plaintextUntil', 'it needs plaintextFrom, the networks whose exception ends on that day'];
  }
  if (tls === 'off' && clientCa !== undefined) {
    yield ['clientCa', 'with `tls: off` no client can show a certificate'];
  }
  if (clientCa !== undefined) return;
  if (clientCertificate !== undefined) yield ['clientCertificate', 'it needs clientCa, the authorities of the clients'];
  if (certificateAccounts !== undefined) {
    yield ['certificateAccounts', 'it needs clientCa, the authorities of the clients'];
  }
}
