import type {
  AuthorizationCloseReason,
  AuthorizationEffect,
  AuthorizationStage,
  AuthorizationState,
  AuthorizationStep,
} from './authorization-state.ts';

/** A client that sends three commands we cannot make sense of is no mail client. */
const maxBadCommands = 3;

/** Back to where a command is awaited; a user name sent earlier is forgotten. */
export function idle(state: AuthorizationState): AuthorizationState {
  return { ...state, stage: { name: 'awaitingCommand' } };
}

/** Refuses what makes no sense; too much of it closes the session. */
export function bad(state: AuthorizationState, text: string): AuthorizationStep {
  const next = { ...idle(state), badCommands: state.badCommands + 1 };
  return next.badCommands >= maxBadCommands
    ? close(next, 'bad_commands', err(text))
    : { state: next, effects: [err(text)] };
}

/** Answers with whole lines and stays. */
export function reply(state: AuthorizationState, lines: string): AuthorizationStep {
  return { state, effects: [{ kind: 'reply', lines }] };
}

/** Asks for the next line of an AUTH exchange. */
export function challenge(state: AuthorizationState, stage: AuthorizationStage, text: string): AuthorizationStep {
  return { state: { ...state, stage }, effects: [{ kind: 'reply', lines: `+ ${text}\r\n` }] };
}

/** Ends the session, behind what is still to be said. */
export function close(
  state: AuthorizationState,
  reason: AuthorizationCloseReason,
  ...before: readonly AuthorizationEffect[]
): AuthorizationStep {
  return { state: { ...state, stage: { name: 'closed' } }, effects: [...before, { kind: 'close', reason }] };
}

/** A positive reply. */
export function ok(text: string): AuthorizationEffect {
  return { kind: 'reply', lines: `+OK ${text}\r\n` };
}

/** A negative reply; `text` may begin with a response code. */
export function err(text: string): AuthorizationEffect {
  return { kind: 'reply', lines: `-ERR ${text}\r\n` };
}
