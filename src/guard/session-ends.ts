import { randomBytes } from 'node:crypto';
import { maxNameCharacters, type News } from './news.ts';

/** How long the instance that has the session may take to say so. */
const answerMs = 1_000;
/** An operator ends one session at a time; a script may end more. */
const maxWaiting = 1_000;

/** How the other instances are asked, and this one's own sessions ended. */
export interface SessionEndsOptions {
  /** Rejects where it cannot be told. */
  readonly tell: (news: News) => Promise<void>;
  /** Ends a session of this process, for the admin named `by`; false: it is not open here. */
  readonly endHere: (sessionId: string, by: string) => boolean;
}

/** Ends sessions wherever they are. */
export class SessionEnds {
  readonly #options: SessionEndsOptions;
  readonly #waiting = new Map<string, (isEnded: boolean) => void>();

  constructor(options: SessionEndsOptions) {
    this.#options = options;
  }

  /** False: no instance that can be reached has it open. */
  async end(sessionId: string, by: string): Promise<boolean> {
    if (this.#options.endHere(sessionId, by)) return true;
    if (sessionId.length > maxNameCharacters || this.#waiting.size >= maxWaiting) return false;
    const request = randomBytes(8).toString('hex');
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), answerMs);
    this.#waiting.set(request, resolve);
    try {
      await this.#options.tell({ kind: 'endSession', request, sessionId, by: by.slice(0, maxNameCharacters) });
      return await promise;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(request);
    }
  }

  /** Does what another instance asks for, and takes its answers. */
  hear(news: Extract<News, { kind: 'endSession' | 'sessionEnded' }>): void {
    if (news.kind === 'sessionEnded') {
      this.#waiting.get(news.request)?.(true);
      return;
    }
    if (!this.#options.endHere(news.sessionId, news.by)) return;
    // Unheard, the other instance says "not open", which is true by then.
    this.#options.tell({ kind: 'sessionEnded', request: news.request }).catch(() => undefined);
  }
}
