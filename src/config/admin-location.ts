import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { adminShape } from './admin-schema.ts';
import type { AdminAddress } from './config.ts';
import { readSource, type SourceOptions } from './source.ts';

/** Where an admin interface is asked. */
export interface AdminLocation {
  readonly address: AdminAddress;
  /** The certificate that it shows, a PEM file; absent: it speaks plain HTTP. */
  readonly certificateFile?: string;
}

const { address, tls } = adminShape;
const locationSchema = z.object({ admin: z.object({ address, tls }).prefault({}) });

/**
 * Where the admin interface of a configuration is, whatever else is wrong there: a process that runs by what the file said
 * before is not to be called sick for what it says now. Undefined where not even that can be told. Never throws.
 */
export function locateAdmin(
  text: string,
  { file, ...options }: SourceOptions & { readonly file: string },
): AdminLocation | undefined {
  const directory = dirname(resolve(file));
  const readFile = (path: string): string => options.readFile(resolve(directory, path));
  const read = readSource(text, { environment: options.environment, readFile });
  const checked = read.ok ? locationSchema.safeParse(read.source.value) : undefined;
  if (checked?.data === undefined) return undefined;
  const { admin } = checked.data;
  return {
    address: admin.address,
    ...(admin.tls && { certificateFile: resolve(directory, admin.tls.cert) }),
  };
}
