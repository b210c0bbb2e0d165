import { totalmem } from 'node:os';
import process from 'node:process';
import { getHeapStatistics } from 'node:v8';
import type { MemorySize } from '../config/memory-size.ts';

/** The runtime gives up at its heap's limit, and long before it spends its time on collecting garbage. */
const maxHeapShare = 0.85;

/** What the process may have: of its control group where that has a limit, else of the machine; undefined where nobody may ask. */
export function permittedMemory(): number | undefined {
  // Deno wants a permission for it, and would stop to ask for that on a terminal.
  if (process.versions.deno !== undefined) return undefined;
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}

/** A configured size in octets; undefined: a share of what is not known. */
export function toOctets(size: MemorySize, permitted = permittedMemory()): number | undefined {
  if ('octets' in size) return size.octets;
  return permitted === undefined ? undefined : Math.floor(permitted * size.share);
}

/** Memory in use as a share of its bound, whichever is nearest: the one given, or that of the runtime's heap. */
export function measureMemoryShare(
  maxOctets: number | undefined,
  resident: number | undefined = residentOctets(),
): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  const ofHeap = used / (limit * maxHeapShare);
  return maxOctets === undefined || resident === undefined ? ofHeap : Math.max(ofHeap, resident / maxOctets);
}

/** Memory that this process has in use; undefined where the system does not tell, as Linux without /proc. */
export function residentOctets(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
