import type { ListenerConfig } from '../../config/config.ts';
import { readNetwork, toNetworks } from '../../config/networks.ts';
import { Refusal } from '../../config/scalar.ts';
import type { CertificatePair } from '../../net/certificate-pair.ts';
import type { Networks } from '../../policy/networks.ts';
import { Router } from '../../policy/routing.ts';
import { catalog } from '../../providers/catalog.ts';
import type { FrontSettings } from '../front.ts';

interface PackedListener extends Omit<ListenerConfig, 'plaintextFrom' | 'proxyProtocolFrom'> {
  readonly plaintextFrom: readonly string[];
  readonly proxyProtocolFrom?: readonly string[];
}

type FrontConfig = FrontSettings['config'];

/** A front's settings and certificates as plain data, which can be sent to another thread. */
export interface PackedSettings {
  readonly config: Pick<FrontConfig, 'upstreams' | 'routing' | 'sessions' | 'limits'> & {
    readonly listeners: readonly PackedListener[];
  };
  readonly pairs: readonly CertificatePair[];
}

/** Packs settings; `listeners` stand in the place of theirs. */
export function packSettings(
  { config: { upstreams, routing, sessions, limits } }: FrontSettings,
  { listeners, pairs }: { readonly listeners: readonly ListenerConfig[]; readonly pairs: readonly CertificatePair[] },
): PackedSettings {
  const { replyDelay } = limits;
  return {
    config: { upstreams, routing, sessions, limits: { replyDelay }, listeners: listeners.map(packListener) },
    pairs,
  };
}

/** Unpacks settings; upstreams that are the same as with `previous` keep what was learnt of them. */
export function unpackSettings({ config }: PackedSettings, previous?: Router): FrontSettings {
  const { routing, upstreams } = config;
  return {
    config: { ...config, listeners: config.listeners.map(unpackListener) },
    router: new Router({ ...routing, upstreams, providers: catalog, ...(previous && { previous }) }),
  };
}

function packListener({ plaintextFrom, proxyProtocolFrom, ...listener }: ListenerConfig): PackedListener {
  return {
    ...listener,
    plaintextFrom: plaintextFrom.blocks,
    ...(proxyProtocolFrom && { proxyProtocolFrom: proxyProtocolFrom.blocks }),
  };
}

function unpackListener({ plaintextFrom, proxyProtocolFrom, ...listener }: PackedListener): ListenerConfig {
  return {
    ...listener,
    plaintextFrom: unpackNetworks(plaintextFrom),
    ...(proxyProtocolFrom && { proxyProtocolFrom: unpackNetworks(proxyProtocolFrom) }),
  };
}

function unpackNetworks(blocks: readonly string[]): Networks {
  return toNetworks(
    blocks.map((text) => {
      const block = readNetwork(text);
      if (block instanceof Refusal) throw new Error(`Cannot unpack the network ${text}: ${block.reason}`);
      return block;
    }),
  );
}
