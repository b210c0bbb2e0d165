import type { X509Certificate } from 'node:crypto';
import type { UpstreamCertificate, UpstreamProbe } from '../admin/ports.ts';
import { publicKeyPin, signedChain } from '../net/peer-chain.ts';
import { describeTls } from '../net/tls-facts.ts';
import { converse } from '../net/upstream-conversation.ts';
import { UpstreamMemory } from '../net/upstream-memory.ts';
import type { Upstream } from '../policy/upstream.ts';
import { explainToOperator } from '../policy/upstream-failure.ts';

/** Dials an upstream, verifies it as for a login, and logs nobody in. Never rejects; bounded in time. */
export async function dialUpstream(upstream: Upstream): Promise<UpstreamProbe> {
  let met: Pick<UpstreamProbe, 'address' | 'tls' | 'chain'> = { chain: [] };
  let capabilities: readonly string[] = [];
  const result = await converse({
    upstream,
    memory: new UpstreamMemory(upstream, () => performance.now()),
    isOwnEndpoint: () => false,
    onHandshake: (socket) => {
      const { version, cipher, keyExchange } = describeTls(socket);
      met = {
        ...(socket.remoteAddress !== undefined && { address: socket.remoteAddress }),
        tls: { version, cipher, ...(keyExchange !== undefined && { keyExchange }) },
        chain: signedChain(socket.getPeerCertificate(true)).map(describeCertificate),
      };
    },
    onCapabilities: (lines) => {
      capabilities = lines;
    },
  });
  if (result.kind !== 'failed') return { ...met, capabilities };
  const { reason, detail } = result;
  return { ...met, capabilities, failure: { reason, detail, explanation: explainToOperator(reason) } };
}

function describeCertificate(certificate: X509Certificate): UpstreamCertificate {
  const { subject, issuer, validFrom, validTo } = certificate;
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    validFromMs: Date.parse(validFrom),
    expiresAtMs: Date.parse(validTo),
    pin: publicKeyPin(certificate),
  };
}

/** A distinguished name, which the runtime writes in lines. */
export function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
