import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';

/** A package by name and version. */
export interface PackageVersion {
  readonly name: string;
  readonly version: string;
}

interface Component extends PackageVersion {
  readonly 'bom-ref': string;
}

interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

interface NpmBill {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
}

/** Large enough for the bill of all that a checkout has installed. */
const maxBillOctets = 64 * 1024 * 1024;

/**
 * What the program is made of, as CycloneDX JSON: what npm's lock file says of these packages, and of no others. The
 * same packages give the same octets. Rejects where the lock file does not know one of them.
 */
export async function describeMaterials(root: string, packages: readonly PackageVersion[]): Promise<string> {
  const bill = await askNpm(root);
  const wanted = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const components = bill.components.filter(({ name, version }) => wanted.has(`${name}@${version}`));
  const known = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const unknown = [...wanted].filter((each) => !known.has(each));
  if (unknown.length > 0) throw new Error(`Cannot list the materials: package-lock.json lacks ${unknown.join(', ')}`);

  const { component } = bill.metadata;
  const refs = new Set([component, ...components].map((each) => each['bom-ref']));
  const content = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { lifecycles: [{ phase: 'build' }], component: { ...component, type: 'application', name: 'postern' } },
    components: sorted(components, (each) => each['bom-ref']),
    dependencies: sorted(
      bill.dependencies.filter(({ ref }) => refs.has(ref)),
      ({ ref }) => ref,
    ).map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)).sort() })),
  };
  return `${JSON.stringify({ ...content, serialNumber: serialNumberOf(JSON.stringify(content)) }, null, 2)}\n`;
}

async function askNpm(root: string): Promise<NpmBill> {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: maxBillOctets });
  return JSON.parse(stdout);
}

/** A number of its own for each content: a UUID of version 8 (RFC 9562 §5.8), made of its hash. */
function serialNumberOf(content: string): string {
  const hex = createHash('sha256').update(content).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
  return `urn:uuid:${[...parts, hex.slice(20, 32)].join('-')}`;
}

function sorted<T>(values: readonly T[], key: (value: T) => string): T[] {
  return [...values].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
