/** Words on the command line that mean nothing. The message says what is accepted. */
export class UsageError extends Error {
  readonly code = 'USAGE';
}
