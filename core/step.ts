/**
 * What one transition gives: the next state and what the shell is asked to do, or the name of the guard that forbids
 * the event here. Effects never wait: what must be durable first is asked for (Sync) and answered by a later event
 * (LogSynced).
 */
export type Step<S, F, G extends string> =
  { readonly state: S; readonly effects: readonly F[] } | { readonly refused: G };

const none: readonly never[] = [];

/** A legal step that changes nothing: the same state, by reference, and nothing to do. */
export const unchanged = <S>(state: S): { readonly state: S; readonly effects: readonly never[] } => ({
  state,
  effects: none,
});

/** Closes a switch: a new variant that no case handles stops the build here. */
export const absurd = (impossible: never): never => impossible;
