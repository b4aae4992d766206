/**
 * Invariants in TypeScript against TLC's own verdict, on every state of a graph. The dump is one whose model asks for
 * verdicts (`generate(model, names)`): in each state that breaks NAME, and nowhere else, TLC takes a step `Violates__NAME`.
 */
import * as E from 'fp-ts/lib/Either.js';
import { readDot } from 'tla-checker-cli';
import type { DotError, TlaState } from 'tla-checker-cli';
import { labelOfVerdict } from './generate.js';

export type Invariants = Readonly<Record<string, (state: TlaState) => boolean>>;

/** States that break an invariant, as TLC and as the function see it; those on which they disagree, with an example. */
export type Verdict = {
  readonly tlc: number;
  readonly ours: number;
  readonly onlyTlc: number;
  readonly onlyOurs: number;
  readonly example: TlaState | null;
};

export type Judgement = {
  /** Same verdict on every state, and at least one state. */
  readonly agree: boolean;
  readonly states: number;
  readonly invariants: Readonly<Record<string, Verdict>>;
  /** Invariants asked for that have no function. */
  readonly missing: readonly string[];
};

/** Reads a dump with verdicts once; once more for an example where the two disagree. */
export const judge = async (
  open: () => AsyncIterable<Uint8Array>,
  names: readonly string[],
  invariants: Invariants,
): Promise<E.Either<DotError, Judgement>> => {
  const checked = names.flatMap((name) => {
    const holds = invariants[name];
    return holds === undefined ? [] : [{ name, holds, tlc: new Set<string>(), ours: new Set<string>() }];
  });
  const byLabel = new Map(checked.map((c) => [labelOfVerdict(c.name), c]));
  const read = await readDot(open(), {
    onState: (fingerprint, _initial, state) => {
      for (const c of checked) if (!c.holds(state)) c.ours.add(fingerprint);
    },
    onEdge: (from, _to, label) => byLabel.get(label)?.tlc.add(from),
  });
  if (E.isLeft(read)) return read;
  const odd = checked.map((c) => ({
    name: c.name,
    tlc: c.tlc.size,
    ours: c.ours.size,
    onlyTlc: [...c.tlc].filter((f) => !c.ours.has(f)),
    onlyOurs: [...c.ours].filter((f) => !c.tlc.has(f)),
  }));
  const examples = await statesOf(
    open,
    odd.flatMap((o) => [...o.onlyTlc.slice(0, 1), ...o.onlyOurs.slice(0, 1)]),
  );
  const missing = names.filter((name) => invariants[name] === undefined);
  return E.right({
    agree: read.right.states > 0 && names.length > 0 && missing.length === 0 && examples.size === 0,
    states: read.right.states,
    missing,
    invariants: Object.fromEntries(
      odd.map((o) => [
        o.name,
        {
          tlc: o.tlc,
          ours: o.ours,
          onlyTlc: o.onlyTlc.length,
          onlyOurs: o.onlyOurs.length,
          example: examples.get(o.onlyTlc[0] ?? o.onlyOurs[0] ?? '') ?? null,
        },
      ]),
    ),
  });
};

const statesOf = async (
  open: () => AsyncIterable<Uint8Array>,
  fingerprints: readonly string[],
): Promise<ReadonlyMap<string, TlaState>> => {
  const found = new Map<string, TlaState>();
  if (fingerprints.length === 0) return found;
  const wanted = new Set(fingerprints);
  await readDot(open(), {
    onState: (fingerprint, _initial, state) => {
      if (wanted.has(fingerprint)) found.set(fingerprint, state);
    },
  });
  return found;
};
