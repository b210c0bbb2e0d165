import { Refusal, scalar } from './scalar.ts';

/** An amount of memory: octets, or a share of what the process may have. */
export type MemorySize = { readonly octets: number } | { readonly share: number };

const accepted = 'an amount of memory from 64MB on, such as 400MB or 2GB, or a share from 10% to 100%';
const unitOctets: ReadonlyMap<string, number> = new Map([
  ['MB', 1_000_000],
  ['GB', 1_000_000_000],
]);
/** Postern itself takes about as much. */
const leastOctets = 64_000_000;

function readMemorySize(text: string): MemorySize | Refusal {
  const match = /^(\d{1,6})(MB|GB|%)$/.exec(text);
  const count = Number(match?.[1]);
  const unit = unitOctets.get(match?.[2] ?? '');
  if (unit !== undefined) return count * unit >= leastOctets ? { octets: count * unit } : new Refusal(accepted);
  return match !== null && count >= 10 && count <= 100 ? { share: count / 100 } : new Refusal(accepted);
}

/** `400MB`, `2GB` or `80%`. */
export function memorySize() {
  return scalar(accepted, readMemorySize);
}
