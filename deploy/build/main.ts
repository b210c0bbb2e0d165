/** `npm run build`: makes dist/, where Postern is one file; with `-- --executable` also one with Node in it. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPostern } from './build.ts';
import { buildExecutable } from './executable.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: { out: { type: 'string', default: join(root, 'dist') }, executable: { type: 'boolean', default: false } },
});
const options = { root, outDirectory: values.out };

const files = [...(await buildPostern(options)), ...(values.executable ? [await buildExecutable(options)] : [])];
for (const { name, octets } of files) {
  console.log(`${name.padEnd(26)}${(octets / 1000).toFixed(0).padStart(6)} kB`);
}
