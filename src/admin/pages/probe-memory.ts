import type { AdminPorts, UpstreamProbe } from '../ports.ts';

/** Certificates do not change more often than this matters; a dial is one more connection to somebody else's server. */
const freshMs = 3_600_000;
/** Dials under way at once. */
const maxDials = 4;
/** Upstreams remembered; there are fewer, but for configurations that changed a lot. */
const maxProbes = 2_000;

/** What an upstream showed when it was dialled. */
export interface KnownProbe {
  readonly atMs: number;
  readonly probe: UpstreamProbe;
}

/** What upstreams showed when they were dialled last: a login does not keep the certificate that it met. */
export class ProbeMemory {
  readonly #dial: AdminPorts['probeUpstream'];
  readonly #nowMs: () => number;
  readonly #known = new Map<string, KnownProbe>();
  readonly #underWay = new Map<string, Promise<boolean>>();

  constructor(dial: AdminPorts['probeUpstream'], nowMs: () => number) {
    this.#dial = dial;
    this.#nowMs = nowMs;
  }

  get(name: string): KnownProbe | undefined {
    return this.#known.get(name);
  }

  /** Dials behind the scenes those that were not dialled for an hour, a few at a time; the others have their turn the next time. */
  refresh(names: readonly string[]): void {
    for (const name of names) {
      if (this.#underWay.size >= maxDials) return;
      const known = this.#known.get(name);
      if (known === undefined || this.#nowMs() - known.atMs > freshMs) void this.probe(name);
    }
  }

  /** Dials an upstream now; false where there is none of this name. Never rejects. */
  probe(name: string): Promise<boolean> {
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    const dial = this.#probe(name).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, dial);
    return dial;
  }

  async #probe(name: string): Promise<boolean> {
    const probe = await this.#dial(name);
    if (probe === undefined) return false;
    if (this.#known.size >= maxProbes) this.#known.clear();
    this.#known.set(name, { atMs: this.#nowMs(), probe });
    return true;
  }
}
