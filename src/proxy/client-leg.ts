import type { Socket } from 'node:net';
import type { ClientIdentity } from '../policy/client-certificate.ts';
import type { ClientTlsPolicy, ListenerTls, Transport } from '../policy/transport.ts';
import type { CloseReason, Report, SessionIdentity, TlsFacts } from './events.ts';
import type { ClientInfo, ProxiedClient, SecureClient } from './ports.ts';

/** What a balancer's PROXY header told. TLS is in it only where the balancer is trusted to tell. */
export interface ProxiedOrigin extends ProxiedClient {
  /** The balancer's address. */
  readonly balancer: string;
}

/** A client that has connected. */
export interface ClientLegOptions {
  readonly identity: SessionIdentity;
  readonly socket: Socket;
  /** Absent: the client itself connected. */
  readonly proxied?: ProxiedOrigin;
  readonly policy: ClientTlsPolicy & { readonly tls: ListenerTls };
  readonly ports: { readonly secureClient: SecureClient; readonly report: Report };
}

/** A handshake that came to nothing. */
export interface FailedHandshake {
  readonly detail: string;
  readonly closeReason: CloseReason;
}

/** What a login may want to know of the client's side. */
export interface ClientFacts {
  readonly transport: Transport;
  /** Absent without TLS. */
  readonly clientTls?: TlsFacts;
  /** Who the client is by its certificate. */
  readonly clientCertificate?: ClientIdentity;
}

/** The client's side of a session: its socket, how its octets travel, and who it is. */
export class ClientLeg {
  readonly #options: ClientLegOptions;
  #socket: Socket;
  #facts: ClientFacts;

  constructor(options: ClientLegOptions) {
    const { policy, proxied, socket } = options;
    this.#options = options;
    this.#socket = socket;
    this.#facts = {
      transport: policy.tls === 'implicit' || proxied?.tls !== undefined ? 'implicit' : 'plaintext',
      // With `tls: implicit` the handshake that is still to come tells.
      ...(policy.tls === 'implicit' || proxied?.tls === undefined ? {} : { clientTls: proxied.tls }),
    };
  }

  /** Another one after each handshake. */
  get socket(): Socket {
    return this.#socket;
  }

  get facts(): ClientFacts {
    return this.#facts;
  }

  /** Reports the session that begins. */
  open(): void {
    const { identity, proxied, ports } = this.#options;
    const { transport, clientTls: tls } = this.#facts;
    ports.report({
      kind: 'sessionOpened',
      ...identity,
      port: this.#port(),
      transport,
      ...(proxied?.source === undefined ? {} : { proxySource: proxied.balancer }),
      ...(proxied?.correlationId === undefined ? {} : { correlationId: proxied.correlationId }),
    });
    if (tls !== undefined) ports.report({ kind: 'clientTlsEstablished', ...identity, transport, tls });
  }

  /** Makes the handshake that the client asked for, or that the listener wants first; resolves to why it failed. */
  async secure(transport: Transport): Promise<FailedHandshake | undefined> {
    const { identity, policy, ports } = this.#options;
    this.#facts = { transport };
    const raw = this.#socket;
    const handshake = await ports.secureClient(raw, policy);
    if (handshake.kind === 'failed') {
      raw.destroy();
      const { detail, isPlaintext } = handshake;
      return { detail, closeReason: isPlaintext && transport === 'implicit' ? 'plaintext_on_tls_port' : 'tls_failed' };
    }
    const { socket, kind: _, ...facts } = handshake;
    const { tls: clientTls, certificate: clientCertificate } = facts;
    this.#socket = socket;
    this.#facts = { transport, clientTls, ...(clientCertificate === undefined ? {} : { clientCertificate }) };
    ports.report({ kind: 'clientTlsEstablished', ...identity, transport, ...facts });
    return undefined;
  }

  /** What the upstream may be told. */
  describe(): ClientInfo {
    const { identity, proxied } = this.#options;
    const { localAddress = '', localPort = 0 } = this.#socket;
    const { clientTls: tls } = this.#facts;
    return {
      source: { address: identity.address, port: this.#port() },
      destination: proxied?.destination ?? { address: localAddress, port: localPort },
      sessionId: identity.sessionId,
      ...(tls === undefined ? {} : { tls }),
    };
  }

  #port(): number {
    return this.#options.proxied?.source?.port ?? this.#socket.remotePort ?? 0;
  }
}
