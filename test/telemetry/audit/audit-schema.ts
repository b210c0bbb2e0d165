import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

const file = new URL('../../../src/telemetry/audit/audit-record.schema.json', import.meta.url);
// Formats are told by patterns beside them.
const validate = new Ajv2020({ allErrors: true, validateFormats: false }).compile(
  JSON.parse(readFileSync(file, 'utf8')),
);

/** What is wrong with a record by the published schema, in words. */
export function auditRecordProblems(record: unknown): readonly string[] {
  const written: unknown = JSON.parse(JSON.stringify(record));
  if (validate(written)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message = '', params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
