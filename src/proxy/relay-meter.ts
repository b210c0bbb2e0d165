import type { CountedCommand } from '../pop3/counted-command.ts';

/** What all relays of one Postern have moved since its start. Relays add to it, the metrics read it at each scrape. */
export interface RelayMeter {
  octetsToUpstream: number;
  octetsToClient: number;
  readonly commands: Record<CountedCommand, number>;
}

/** A meter at zero. */
export function createRelayMeter(): RelayMeter {
  return {
    octetsToUpstream: 0,
    octetsToClient: 0,
    commands: { STAT: 0, LIST: 0, RETR: 0, DELE: 0, NOOP: 0, RSET: 0, TOP: 0, UIDL: 0, CAPA: 0, QUIT: 0, other: 0 },
  };
}
