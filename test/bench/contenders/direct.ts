import type { Contender } from './contender.ts';

/** No proxy: what the bench's clients and upstream can do by themselves, the ceiling of what is measured here. */
export const direct: Contender = {
  name: 'direct',
  describe: async () => 'straight to the upstream, to show what the bench itself can do',
  start: async ({ upstreamPort }) => ({ implicitPort: upstreamPort, [Symbol.asyncDispose]: async () => {} }),
};
