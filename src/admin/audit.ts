import type { Context } from 'hono';
import type { AdminAction } from './admin-action.ts';
import { type AdminEnv, addressOf } from './admin-env.ts';
import type { AdminPorts } from './ports.ts';

/** What a handler knows of an action; the rest is in its request. */
type ActionFacts = Pick<AdminAction, 'action' | 'target' | 'result'>;

/** Makes the function that tells of an action, with who asked for it. */
export function createAudit({ audit }: Pick<AdminPorts, 'audit'>) {
  return (c: Context<AdminEnv>, { action, target, result }: ActionFacts): void => {
    const admin = c.get('admin');
    audit({
      action,
      ...(admin !== undefined && { by: admin.name, role: admin.role }),
      address: addressOf(c),
      ...(target !== undefined && { target }),
      result,
    });
  };
}
