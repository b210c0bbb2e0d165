import type { ListenerTls } from '../../policy/transport.ts';
import type { Upstream } from '../../policy/upstream.ts';
import type { OnWire, SandboxUpstream } from './sandbox-upstream.ts';

/** A Postern that runs on its embedded defaults, in front of the sandbox. */
export interface DemoPostern extends AsyncDisposable {
  readonly listeners: readonly DemoListener[];
  readonly adminUrl: string;
  readonly adminToken: string;
  /** What `/metrics` says. */
  metrics(): Promise<string>;
  /** PEM text of the certificate that the listeners show. */
  readonly certificate: string;
}

/** Where a Postern listens. */
interface DemoListener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: ListenerTls;
}

/** Starts Postern in front of one upstream. */
export type StartPostern = (options: {
  readonly upstream: Upstream;
  readonly domains: readonly string[];
}) => Promise<DemoPostern>;

/** Everything that plays in the demo, up and running. */
export interface Stage {
  readonly sandbox: SandboxUpstream;
  readonly postern: DemoPostern;
  /** The listener that the old clients use: one that takes plaintext and STLS. */
  readonly listener: DemoListener;
  /** The sample account's, made for this run. */
  readonly password: string;
  /** Sends the upstream's wire to this listener and no other. */
  readonly hearUpstream: (listener: OnWire) => void;
  readonly signal: AbortSignal;
}
