/** `npm run build`: makes dist/, where Postern is one file. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPostern } from './build.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } });

for (const { name, octets } of await buildPostern({ root, outDirectory: values.out })) {
  console.log(`${name.padEnd(26)}${(octets / 1000).toFixed(0).padStart(6)} kB`);
}
