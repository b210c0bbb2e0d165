/** Refused credentials remembered per account: more devices with an old password than a person has. */
export const maxRefusedPerAccount = 32;
/**
 * How often refused credentials are tried within 24 hours, whatever happens to the account's passwords meanwhile: as often
 * as they lapse by themselves with the default memory of six hours.
 */
export const maxTriesPerDay = 4;
/** Where refused credentials lapse sooner than this, their tries are not counted. */
export const minCountedMemoryMs = 86_400_000 / maxTriesPerDay;
/**
 * How long a password refused to one of the account's owners is remembered after the first try within 24 hours: a provider in
 * trouble refuses right passwords, too, and most trouble is over by then.
 */
export const ownersFirstMemoryMs = 30 * 60_000;
/** And after the others, at least: so that these spread over the day. */
export const ownersNextMemoryMs = 86_400_000 / (maxTriesPerDay - 1);
/** Accepted passwords of an account that are told apart: one per device, where a provider wants it so. */
export const maxAcceptedPerAccount = 8;
/** Addresses that are known for an account: a phone that travels has a new one every day, and `knownFor` is a month. */
export const maxKnownPerAccount = 100;
/** Addresses in one network from which somebody logged in: all of an IPv4 /24. */
export const maxOwnersPerNetwork = 256;
/**
 * A login under way is reserved no longer than this, should its end never be told: the default `loginTimeout`, and the upstream's
 * time to answer a password that was sent before it.
 */
export const reservationLeaseMs = 90_000;
/** A live session counts for so long after it was last told of. */
export const sessionLeaseMs = 90_000;
/** Live sessions that are looked at per account: a limit above this counts no others. */
export const maxListedSessions = 100;
/** A pair that is known is noted again once its last note is so old, so that most logins write nothing. */
export const knownNoteMs = 86_400_000;

/**
 * What is kept of an accepted credential: 12 bits of its hash. They tell that a password has changed, and nothing to a
 * thief; a false match only means that the account's refused credentials lapse by time.
 */
export function acceptedPrefix(credential: string): string {
  return credential.slice(0, 3);
}

/** How long a refused credential is remembered; `tries`: those within 24 hours, this one included. */
export function refusedMemoryMs(
  refusedPasswordsMs: number,
  { isOwner, tries }: { readonly isOwner: boolean; readonly tries: number },
): number {
  if (!isOwner) return refusedPasswordsMs;
  return tries <= 1 ? ownersFirstMemoryMs : Math.max(refusedPasswordsMs, ownersNextMemoryMs);
}
