import type { ConnectedEndpoint } from './upstream-conversation.ts';

/** The addresses this process listens on, to tell when a connection leads back to it. */
export class OwnEndpoints {
  readonly #hostsByPort = new Map<number, Set<string>>();

  add({ host, port }: { readonly host: string; readonly port: number }): void {
    const hosts = this.#hostsByPort.get(port) ?? new Set();
    this.#hostsByPort.set(port, hosts.add(host));
  }

  remove({ host, port }: { readonly host: string; readonly port: number }): void {
    const hosts = this.#hostsByPort.get(port);
    hosts?.delete(host);
    if (hosts?.size === 0) this.#hostsByPort.delete(port);
  }

  /**
   * Whether the connection ends at one of them. A wildcard address is every address of this machine, and only from
   * one of its own does a connection come that has the same address at both ends.
   */
  has(connection: ConnectedEndpoint): boolean {
    const { remoteAddress, remotePort } = connection;
    const hosts = remotePort === undefined ? undefined : this.#hostsByPort.get(remotePort);
    if (hosts === undefined || remoteAddress === undefined) return false;
    if (hosts.has(remoteAddress)) return true;
    // Asked of the kernel, so only where the port is one of ours.
    const isLocal =
      remoteAddress === connection.localAddress || remoteAddress.startsWith('127.') || remoteAddress === '::1';
    return isLocal && hosts.has(remoteAddress.includes(':') ? '::' : '0.0.0.0');
  }
}
