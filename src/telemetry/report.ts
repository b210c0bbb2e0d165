import type { Logger } from 'pino';
import type { GateEvent, Report } from '../proxy/events.ts';

type Kind = GateEvent['kind'];

/** Takes events. */
export type Consume = (event: GateEvent) => void;

interface Consumer {
  /** Says who it is where it fails. */
  readonly name: string;
  readonly consume: Consume;
  /** Absent: all. */
  readonly kinds: readonly Kind[] | undefined;
}

/** Who is told of events, in the order in which they came. */
export class Consumers {
  readonly #all = new Map<string, Consumer>();
  /** Who wants a kind, as far as it was asked for since the last change. */
  readonly #byKind = new Map<Kind, readonly Consumer[]>();

  /** Takes the place of one with the same name; `kinds`: those that it cares about, others are kept from it. */
  add(name: string, consume: Consume, { kinds }: { readonly kinds?: readonly Kind[] } = {}): void {
    this.#all.set(name, { name, consume, kinds });
    this.#byKind.clear();
  }

  remove(name: string): void {
    this.#all.delete(name);
    this.#byKind.clear();
  }

  of(kind: Kind): readonly Consumer[] {
    return this.#byKind.get(kind) ?? this.#lookUp(kind);
  }

  #lookUp(kind: Kind): readonly Consumer[] {
    const found = [...this.#all.values()].filter(({ kinds }) => kinds === undefined || kinds.includes(kind));
    this.#byKind.set(kind, found);
    return found;
  }
}

/** One function for all consumers: what goes wrong in one reaches neither the session nor the others. */
export function createReport(consumers: Consumers, logger: Logger): Report {
  const failed = new Set<string>();
  return (event) => {
    for (const { name, consume } of consumers.of(event.kind)) {
      try {
        consume(event);
      } catch (error) {
        // Once per consumer: a fault that comes with every event would bury the log.
        if (failed.has(name)) continue;
        failed.add(name);
        complain(logger, {
          consumer: name,
          event: event.kind,
          type: error instanceof Error ? error.name : typeof error,
        });
      }
    }
  };
}

function complain(logger: Logger, fields: Readonly<Record<string, string>>): void {
  try {
    logger.error(fields, 'An event could not be recorded');
  } catch {
    // The log itself is what fails; there is nowhere left to say so.
  }
}
