import { z } from 'zod';
import { guardReasons } from '../../policy/guard/admission.ts';
import { limitNames } from '../../policy/login-limits.ts';
import { refusalHints } from '../../policy/refusal-hint.ts';
import { transports } from '../../policy/transport.ts';
import { upstreamFailureReasons } from '../../policy/upstream-failure.ts';
import { closeReasons, loginResults } from '../../proxy/events.ts';

/** The version of the records. It rises when a field goes or changes its meaning; new fields do not raise it. */
export const auditVersion = 1;
const schemaId = 'urn:postern:audit-record:1';

const count = () => z.int().nonnegative();

const tls = z
  .object({
    version: z.string(),
    cipher: z.string(),
    keyExchange: z.string().optional(),
    resumed: z.boolean(),
  })
  .meta({ id: 'tls', description: 'What TLS a leg got.' });

const client = z
  .object({
    address: z.string(),
    port: count(),
    proxySource: z.string().optional().describe("The balancer's address, where its PROXY header named the client."),
    correlationId: z.string().optional().describe("The balancer's name for the connection."),
    transport: z.enum(transports),
    tls: tls.optional().describe('Absent without TLS.'),
    certificate: z.object({ subject: z.string(), fingerprint: z.string() }).optional(),
  })
  .meta({ id: 'client', description: 'Who connected, and how encrypted.' });

const upstream = z
  .object({
    name: z.string(),
    address: z.string().optional().describe('Absent where no verified connection was made.'),
    tls: tls.optional(),
  })
  .meta({ id: 'upstream', description: 'Where the account lives.' });

const moment = {
  timeMs: count().describe('Milliseconds since 1970 UTC.'),
  time: z.iso.datetime().describe('The same moment, UTC.'),
  instance: z.string().describe('The host that wrote the record.'),
};
const version = z.literal(auditVersion);

const accountNames = {
  account: z.string().optional().describe('Printable, lower case. Absent where names are hashed.'),
  accountHash: z.string().optional().describe('HMAC-SHA-256 of the account, the first 32 hexadecimal digits.'),
};
const session = { session: z.string(), listener: z.string(), client };

const loginRecord = z
  .object({
    v: version,
    type: z.literal('login'),
    ...moment,
    ...session,
    ...accountNames,
    upstream: upstream.optional().describe('Absent where none serves the account.'),
    result: z.enum(loginResults),
    code: z.string().optional().describe('The response code of the reply (RFC 2449, RFC 3206).'),
    hint: z.enum(refusalHints).optional().describe("What the upstream's words of refusal ask for."),
    failure: z.object({ reason: z.enum(upstreamFailureReasons), detail: z.string() }).optional(),
    deniedBy: z.enum(['certificateAccounts']).optional(),
    guard: z.object({
      decision: z.enum(['allowed', 'refused', 'not_asked']),
      reason: z.enum(guardReasons).optional(),
      limit: z.enum(limitNames).optional(),
      retryAfterMs: count().optional(),
    }),
    durationMs: count(),
  })
  .meta({ id: 'login', description: 'A login attempt has ended.' });

const sessionRecord = z
  .object({
    v: version,
    type: z.literal('session'),
    ...moment,
    ...session,
    ...accountNames,
    upstream: upstream.optional().describe('Absent where nobody logged in.'),
    reason: z.enum(closeReasons),
    durationMs: count(),
    loginAttempts: count(),
    needsEncryption: z.boolean().optional().describe('It asked to log in without TLS, where that is not permitted.'),
    octetsToUpstream: count().describe('Relayed behind the login.'),
    octetsToClient: count().describe('Relayed behind the login.'),
    retrCommands: count().describe('Messages asked for; whether each came is between client and upstream.'),
    topCommands: count(),
    deleCommands: count().describe('Deletions asked for; they take effect with QUIT alone.'),
    rsetCommands: count().describe('Each takes the deletions before it back.'),
    quitCommands: count(),
  })
  .meta({ id: 'session', description: 'A session has ended. Account and upstream are there where a login stood.' });

const adminRecord = z
  .object({
    v: version,
    type: z.literal('admin'),
    ...moment,
    by: z.string().optional().describe('The name of the token; absent where there is none such.'),
    role: z.string().optional(),
    address: z.string().optional().describe('Where it came from.'),
    action: z.string(),
    target: z.string().optional().describe('Accounts and block ids are hashed where account names are.'),
    result: z.string(),
  })
  .meta({ id: 'admin', description: 'Somebody changed something by the admin API, or tried to.' });

const gapRecord = z
  .object({
    v: version,
    type: z.literal('gap'),
    ...moment,
    dropped: count().describe('So many records before this one are missing: their destination took none.'),
  })
  .meta({ id: 'gap', description: 'Records were lost.' });

/** A record of the audit trail. Reading drops fields that it does not know. */
export const auditRecordSchema = z.discriminatedUnion('type', [loginRecord, sessionRecord, adminRecord, gapRecord]);

export type AuditRecord = z.output<typeof auditRecordSchema>;
export type LoginRecord = z.output<typeof loginRecord>;
export type SessionRecord = z.output<typeof sessionRecord>;

/** The JSON Schema (2020-12) of a record as this version writes it: no field beyond those in it. */
export function auditRecordJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = z.toJSONSchema(auditRecordSchema);
  return { $schema, $id: schemaId, title: "A record of Postern's audit trail", ...rest };
}
