import { createRoute, z } from '@hono/zod-openapi';
import { daysLeft } from '../../policy/deadline.ts';
import type { AdminApp } from '../admin-env.ts';
import type { AdminPorts } from '../ports.ts';
import { isoTime, timeSchema } from './paging.ts';

const certificateSchema = z
  .object({
    name: z.string().openapi({ description: 'The configured file, or what made it.' }),
    subject: z.string(),
    issuer: z.string(),
    names: z.array(z.string()),
    keyType: z.string(),
    fingerprint: z.string().openapi({ description: 'SHA-256.' }),
    validFrom: timeSchema,
    expires: timeSchema,
    daysLeft: z.int().openapi({ description: '0: it has expired.' }),
  })
  .openapi('Certificate');

const route = createRoute({
  method: 'get',
  path: '/api/v1/certificates',
  tags: ['Certificates'],
  summary: 'The certificates shown to mail clients, the default one first',
  responses: {
    200: {
      description: 'As they are shown now',
      content: {
        'application/json': { schema: z.object({ certificates: z.array(certificateSchema) }).openapi('Certificates') },
      },
    },
  },
});

/** Adds `/api/v1/certificates`. */
export function addCertificates(app: AdminApp, { certificates, nowMs = Date.now }: AdminPorts): void {
  app.openapi(route, (c) => c.json({ certificates: viewCertificates(certificates(), nowMs()) }, 200));
}

function viewCertificates(certificates: ReturnType<AdminPorts['certificates']>, nowMs: number) {
  return certificates.map(({ validFromMs, expiresAtMs, names, ...rest }) => ({
    ...rest,
    names: [...names],
    validFrom: isoTime(validFromMs),
    expires: isoTime(expiresAtMs),
    daysLeft: daysLeft(expiresAtMs, nowMs),
  }));
}
