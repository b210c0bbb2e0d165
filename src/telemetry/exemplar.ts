import type { SessionIdentity } from '../proxy/events.ts';

/** The one label of exemplars. prom-client's types want it among a metric's own labels. */
export type ExemplarLabel = 'session_id';

/** What leads from a sample to its session in the log and the API. The id is Postern's own: no peer chooses it. */
export function exemplarOf({ sessionId }: SessionIdentity): Readonly<Record<ExemplarLabel, string>> {
  return { session_id: sessionId };
}
