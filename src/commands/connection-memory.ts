import nodeModule from 'node:module';
import { setFlagsFromString } from 'node:v8';

/** V8 13 (Node 24) is known to know the flags; on another one V8 would complain of it on standard error. */
const knowsFlags = process.versions.deno === undefined && process.versions.v8.startsWith('13.');

/** How much the heap may grow, in percent of what is alive, until it is marked anew. */
const growingPercent = 80;

/**
 * Has V8 measure the buffers of connections against the limit of its whole heap. By default it marks the heap anew for each
 * 64 MB of them, and Node sets 64 kB aside for what each TLS connection will read: the more sessions come and stay, the
 * more often a heap is marked that grows with them. The heap grows by a fixed share in between: left to itself V8 lets it grow
 * to four times what is alive at times, and what was taken once is not given back. To be called when all is loaded, for code compiled under other flags
 * is compiled again: what is there by now is kept for the next start first.
 */
export function limitHeapGrowth(): void {
  if (!knowsFlags) return;
  nodeModule.flushCompileCache?.();
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
}
