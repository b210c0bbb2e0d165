/** Why a login ended as it did: a clause without a full stop, and what to do about it. */
export interface LoginExplanation {
  readonly cause: string;
  readonly advice?: string;
}
