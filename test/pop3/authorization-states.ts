import { greet, step } from '../../src/pop3/authorization.ts';
import type {
  AuthorizationContext,
  AuthorizationEvent,
  AuthorizationState,
} from '../../src/pop3/authorization-state.ts';
import { accepted } from './client-dialogue.ts';

/** The name of a stage. */
export type StageName = AuthorizationState['stage']['name'];

/** The event of a line. */
export function line(text: string, isFollowed = false): AuthorizationEvent {
  return { kind: 'line', text, isFollowed };
}

/** The state that events lead to, from the greeting on. */
export function stateAfter(context: AuthorizationContext, events: readonly AuthorizationEvent[]): AuthorizationState {
  return events.reduce((state, event) => step(state, event).state, greet(context, false).state);
}

/** A way to each stage, where a login is permitted and STLS offered. */
export const ways: Readonly<Record<StageName, readonly AuthorizationEvent[]>> = {
  awaitingCommand: [],
  awaitingPassword: [line('USER alice')],
  awaitingPlainMessage: [line('AUTH PLAIN')],
  awaitingLoginUsername: [line('AUTH LOGIN')],
  awaitingLoginPassword: [line('AUTH LOGIN'), line('YWxpY2U=')],
  upgrading: [line('STLS')],
  authenticating: [line('USER alice'), line('PASS secret')],
  transaction: [line('USER alice'), line('PASS secret'), accepted],
  closed: [line('QUIT')],
};
