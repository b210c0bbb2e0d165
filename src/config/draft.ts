import { z } from 'zod';
import { adminShape, adminTokenShape } from './admin-schema.ts';
import { limitsShape } from './limits-schema.ts';
import { policyServerShape } from './policy-server-schema.ts';
import { redisShape } from './redis-schema.ts';
import { auditShape, domain, listenerShape, logShape, routingShape, upstreamShape } from './schema.ts';

type Lenient<S extends z.ZodRawShape> = { [K in keyof S]: z.ZodCatch<z.ZodOptional<S[K]>> };

/** The same keys, where a value that is not accepted counts as left out. */
function lenient<S extends z.ZodRawShape>(shape: S) {
  const entries = Object.entries(shape).map(([key, schema]) => [key, z.optional(schema).catch(undefined)]);
  // Object.fromEntries forgets which key has which schema.
  const object = z.object(Object.fromEntries(entries) as Lenient<S>);
  return object.catch(() => object.parse({}));
}

const draftSchema = z.object({
  listeners: z.array(lenient(listenerShape)).catch([]),
  upstreams: z.array(lenient({ ...upstreamShape, domains: z.array(domain.optional().catch(undefined)) })).catch([]),
  routing: lenient(routingShape),
  limits: lenient(limitsShape),
  policyServer: lenient(policyServerShape),
  redis: lenient(redisShape),
  audit: lenient(auditShape),
  log: lenient(logShape),
  admin: lenient({ address: adminShape.address, tls: adminShape.tls, tokens: z.array(lenient(adminTokenShape)) }),
});

/** What can be made of a configuration with mistakes in it: with it, what values must be to each other is checked all the same. */
export type Draft = z.output<typeof draftSchema>;

/** Makes the most of a value that the schema may not accept. Never throws. */
export function readDraft(value: unknown): Draft {
  const sections = z.record(z.string(), z.unknown()).catch({}).parse(value);
  return draftSchema.parse({ listeners: [], upstreams: [], ...sections });
}
