import tls from 'node:tls';

let areInstalled = false;

/**
 * Makes the operating system's certificate authorities the default of this process, once: they are what an operator
 * manages. A system without any (a bare container) leaves Mozilla's list, which the runtime carries.
 * A runtime that cannot do this keeps its own default, which verifies no less.
 */
export function useSystemRoots(): void {
  if (areInstalled) return;
  areInstalled = true;
  if (typeof tls.getCACertificates !== 'function' || typeof tls.setDefaultCACertificates !== 'function') return;
  const system = readSystemRoots();
  if (system.length > 0) tls.setDefaultCACertificates([...system, ...tls.getCACertificates('extra')]);
}

function readSystemRoots(): readonly string[] {
  try {
    return tls.getCACertificates('system');
  } catch (error) {
    // Deno asks for a permission of its own.
    if (error instanceof Error && error.name === 'NotCapable') return [];
    throw error;
  }
}
