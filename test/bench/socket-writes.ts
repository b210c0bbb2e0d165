/** Writes to sockets, by the leg that they were for. */
export interface SocketWrites {
  readonly client: number;
  readonly upstream: number;
  /** To other servers, such as Redis. */
  readonly other: number;
}

/** Reads `strace -yy` of a proxy that listens on one port and connects to another, both known. */
export function countSocketWrites(
  trace: string,
  { listenPort, upstreamPort }: { readonly listenPort: number; readonly upstreamPort: number },
): SocketWrites {
  const counts = { client: 0, upstream: 0, other: 0 };
  for (const [, local, remote] of trace.matchAll(/\(\d+<TCP:\[\S+?:(\d+)->\S+?:(\d+)\]>/g)) {
    if (Number(local) === listenPort) counts.client += 1;
    else if (Number(remote) === upstreamPort) counts.upstream += 1;
    else counts.other += 1;
  }
  return counts;
}
