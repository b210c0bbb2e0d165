import type { AdminApp } from '../admin/admin-env.ts';
import type { AdminPorts } from '../admin/ports.ts';

/** The admin app, which is made with the first request at the latest. */
export interface LateApp extends Pick<AdminApp, 'fetch'> {
  /** Makes it as soon as nothing else is to be done. */
  load(): void;
}

/** Puts off making the admin app: it is the larger half of the program, and mail clients are not to wait for it. */
export function lateApp(ports: AdminPorts): LateApp {
  let made: Promise<AdminApp> | undefined;
  const make = (): Promise<AdminApp> => {
    made ??= import('../admin/app.ts').then(({ createAdminApp }) => createAdminApp(ports));
    return made;
  };
  return {
    fetch: async (...request) => (await make()).fetch(...request),
    load: () => void setImmediate(() => void make().catch(ports.onError)),
  };
}
