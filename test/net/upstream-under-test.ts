import { type ConversationOptions, type ConversationResult, converse } from '../../src/net/upstream-conversation.ts';
import { UpstreamMemory } from '../../src/net/upstream-memory.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import { type Script, type ScriptedUpstream, startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';

/** Planted in every login. */
export const credentials = { username: 'alice@corp.test', password: 'open sésame' };

/** What credentials look like on the wire: in the clear, and in PLAIN's Base64. */
export const credentialOctets = [
  credentials.username,
  credentials.password,
  btoa(`\0${credentials.username}\0${credentials.password}`),
] as const;

/** What a server offers that takes AUTH PLAIN. */
export const plainCapabilities = '+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n';

/** What a conversation differs in from a login over implicit TLS at a server that is trusted. */
export type ConversationRequest = Partial<Upstream> & { readonly options?: Partial<ConversationOptions> };

/** The certificates of one file of tests, and the servers of one test. */
export class UpstreamTest {
  #certificates: TestCertificates | undefined;
  readonly #servers: ScriptedUpstream[] = [];

  async start(): Promise<void> {
    this.#certificates = await createTestCertificates();
  }

  async reset(): Promise<void> {
    for (const server of this.#servers.splice(0)) await server[Symbol.asyncDispose]();
  }

  async stop(): Promise<void> {
    await this.#certificates?.[Symbol.asyncDispose]();
  }

  get certificates(): TestCertificates {
    if (this.#certificates === undefined) throw new Error('Cannot show certificates: the tests have not begun');
    return this.#certificates;
  }

  /** A server with a valid certificate, TLS first. */
  readonly implicit = (): Script => ({ tls: { ...this.certificates.valid, start: 'implicit' } });

  /** A server with a valid certificate, TLS by STLS. */
  readonly stls = (): Script => ({ tls: { ...this.certificates.valid, start: 'stls' } });

  async serve(script: Script): Promise<ScriptedUpstream> {
    const server = await startScriptedUpstream(script);
    this.#servers.push(server);
    return server;
  }

  /** An upstream on loopback that is trusted by the tests' own authority. */
  upstreamAt(port: number): Upstream {
    return {
      name: 'sandbox',
      host: '127.0.0.1',
      port,
      tls: 'implicit',
      serverName: 'localhost',
      minVersion: 'TLSv1.2',
      ca: this.certificates.ca,
      username: 'address',
    };
  }

  /** One conversation that nothing was learnt for. */
  talk(port: number, { options, ...change }: ConversationRequest = {}): Promise<ConversationResult> {
    const upstream = { ...this.upstreamAt(port), ...change };
    const memory = new UpstreamMemory(upstream, () => 0);
    return converse({ upstream, memory, credentials, isOwnEndpoint: () => false, ...options });
  }
}
