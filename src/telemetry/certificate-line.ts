import type { ClientIdentity } from '../policy/client-certificate.ts';
import type { GateEvent } from '../proxy/events.ts';
import { printable } from './printable.ts';

/** What happens to Postern's own certificates, and to what else has an end. */
export type LifetimeEvent = Extract<
  GateEvent,
  { kind: 'certificateReloaded' | 'certificateRejected' | 'certificateExpiring' | 'plaintextExceptionEnding' }
>;

const maxDetailLength = 300;

/** Puts the end or the renewal of something into words and fields. */
export function describeLifetime(event: LifetimeEvent): {
  readonly message: string;
  readonly [field: string]: unknown;
} {
  switch (event.kind) {
    case 'certificateReloaded':
      return { message: 'Certificate reloaded', name: event.name, expires: isoDay(event.expiresAtMs) };
    case 'certificateRejected': {
      const { name, detail } = event;
      const message = 'Certificate files changed but cannot be used: the certificate from before stays';
      return { message, name, detail: printable(detail, maxDetailLength) };
    }
    case 'certificateExpiring': {
      const { name, daysLeft, expiresAtMs } = event;
      const message = daysLeft === 0 ? 'Certificate has expired' : 'Certificate expires soon';
      return { message, name, expires: isoDay(expiresAtMs), daysLeft };
    }
    case 'plaintextExceptionEnding': {
      const { listener, daysLeft, endsAtMs } = event;
      const message = daysLeft === 0 ? 'Logins without TLS are over' : 'Logins without TLS end soon';
      // The last day, as it is configured.
      return { message, listener, plaintextUntil: isoDay(endsAtMs - 1), daysLeft };
    }
    default:
      return event satisfies never;
  }
}

/** Who a client is by its certificate, as log fields. */
export function certificateFields(certificate: ClientIdentity | undefined): Readonly<Record<string, string>> {
  if (certificate === undefined) return {};
  const { subject, fingerprint } = certificate;
  return { certificateSubject: printable(subject, maxDetailLength), certificateFingerprint: fingerprint };
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 'yyyy-mm-dd'.length);
}
