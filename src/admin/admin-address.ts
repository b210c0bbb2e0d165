import type { AdminAddress } from '../config/config.ts';

/** Spells the admin address as configuration does. */
export function formatAdminAddress(address: AdminAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address as a URL, for who asks from this machine. */
export function adminUrl(address: AdminAddress, { isSecured }: { readonly isSecured: boolean }): string {
  if ('path' in address) return formatAdminAddress(address);
  const { host, port } = address;
  const loopback = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `${isSecured ? 'https' : 'http'}://${formatAdminAddress({ host: loopback, port })}`;
}
