/** A moment for people, such as `2026-11-23 08:10:11 UTC`. */
export function moment(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length).replace('T', ' ')} UTC`;
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** A length of time in the largest unit that it has two of, such as `90 seconds` or `5 minutes`. */
export function span(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  const [name, unit] = units.find(([, size]) => ms >= 2 * size) ?? (['second', 1_000] as const);
  return counted(Math.round(ms / unit), name);
}

/** How long ago something was, in words. */
export function ago(timeMs: number, nowMs: number): string {
  return nowMs - timeMs < 1_000 ? 'just now' : `${span(nowMs - timeMs)} ago`;
}

/** `1 message`, `2 messages`, `no messages`. */
export function counted(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`;
}

/** An amount of data, such as `470 octets`, `12.3 kB` or `1.5 GB`. */
export function amount(octets: number): string {
  if (octets < 1_000) return counted(octets, 'octet');
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
  ] as const) {
    if (octets >= size) return `${(octets / size).toFixed(1)} ${unit}`;
  }
  return `${(octets / 1e3).toFixed(1)} kB`;
}
