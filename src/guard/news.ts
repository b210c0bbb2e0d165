import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { RedisChannel } from '../net/redis-connection.ts';
import { limitNames } from '../policy/login-limits.ts';

/** The form of the messages. One that another version sends in another form is not understood, and left out. */
const version = 1;
/** Far above what any message here takes; more is somebody else's. */
const maxMessageCharacters = 65_536;
/** Blocks in one message: what one login can lead to is far less. */
export const maxBlocksPerMessage = 50;

/** Sessions, requests and tokens have shorter names. */
export const maxNameCharacters = 100;

const subject = z.string().min(1).max(700);
const name = z.string().min(1).max(maxNameCharacters);

const newsSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('blocksPlaced'),
    blocks: z
      .array(
        z.strictObject({
          limit: z.enum(limitNames),
          subject,
          untilMs: z.number().int().nonnegative(),
          strikes: z.number().int().min(1),
          hasOwners: z.boolean(),
        }),
      )
      .min(1)
      .max(maxBlocksPerMessage),
  }),
  z.strictObject({ kind: z.literal('blockLifted'), limit: z.enum(limitNames), subject }),
  z.strictObject({ kind: z.literal('entryChanged'), id: z.string().min(1).max(1_000) }),
  z.strictObject({ kind: z.literal('endSession'), request: name, sessionId: name, by: name }),
  z.strictObject({ kind: z.literal('sessionEnded'), request: name }),
]);

const envelopeSchema = z.object({ v: z.literal(version), from: name, news: newsSchema });

/** What one instance tells the others. */
export type News = z.infer<typeof newsSchema>;

/** What the news are carried by, and who is told of messages that are none. */
export interface NewsOptions {
  readonly channel: RedisChannel;
  readonly onNews: (news: News) => void;
  readonly onGap: () => void;
  /** Told once in a process's life: the next ones are left out in silence. */
  readonly onUnknown: (detail: string) => void;
}

/** Tells the other instances what happened here, and hears what happened there. */
export class NewsWire {
  readonly #instance = randomBytes(8).toString('hex');
  readonly #options: NewsOptions;
  #hasComplained = false;

  constructor(options: NewsOptions) {
    this.#options = options;
    options.channel.listen({ onMessage: (text) => this.#hear(text), onGap: options.onGap });
  }

  /** Tells all others. Rejects with `StoreUnavailable` where that cannot be done now; a resync makes up for it. */
  tell(news: News): Promise<void> {
    return this.#options.channel.publish(JSON.stringify({ v: version, from: this.#instance, news }));
  }

  #hear(text: string): void {
    const envelope = text.length <= maxMessageCharacters ? readEnvelope(text) : undefined;
    if (envelope === undefined) this.#complain();
    else if (envelope.from !== this.#instance) this.#options.onNews(envelope.news);
  }

  /** What the message says is left out: it may be anything. */
  #complain(): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#options.onUnknown(
      'A message between instances was not understood: is another version running beside this one?',
    );
  }
}

function readEnvelope(text: string): z.infer<typeof envelopeSchema> | undefined {
  try {
    return envelopeSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
