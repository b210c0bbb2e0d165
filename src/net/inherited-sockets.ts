/** The first descriptor that a service manager hands over; those before it are the standard streams (sd_listen_fds(3)). */
const firstDescriptor = 3;
/** Far more than anybody configures; what is beyond is a spoilt variable. */
const maxDescriptors = 1024;

/** The environment, in which a service manager says what it hands over, and to whom. */
export type SocketEnvironment = Readonly<Record<string, string | undefined>>;

/** Listening sockets that somebody else opened for this process, by the name of the listener that each is for. */
export class InheritedSockets {
  readonly #descriptors = new Map<string, number>();

  /** Takes what the environment names for the process `pid`; nothing where it was meant for another process. */
  constructor(environment: SocketEnvironment, { pid }: { readonly pid: number }) {
    const { LISTEN_PID, LISTEN_FDS = '', LISTEN_FDNAMES = '' } = environment;
    if (LISTEN_PID !== String(pid) || !/^\d{1,4}$/.test(LISTEN_FDS)) return;
    const names = LISTEN_FDNAMES.split(':');
    for (let index = 0; index < Math.min(Number(LISTEN_FDS), maxDescriptors); index += 1) {
      // Of two sockets with one name the second stays unclaimed under a name that no listener can have, and is told of.
      const name = names[index] || 'unknown';
      this.#descriptors.set(this.#descriptors.has(name) ? `${name} (again)` : name, firstDescriptor + index);
    }
  }

  /** The names of those that nobody has taken. */
  get unclaimed(): readonly string[] {
    return [...this.#descriptors.keys()];
  }

  /** Hands a socket to its listener, once: whoever closes it frees the number of its descriptor for anything else. */
  take(listener: string): number | undefined {
    const descriptor = this.#descriptors.get(listener);
    this.#descriptors.delete(listener);
    return descriptor;
  }
}
