/**
 * A mirror: the shipping step functions seen as a transition system with the spec's own labels.
 * The engine (graph.ts) walks it beside TLC's state graph; replay.ts walks it along one trace.
 */
import * as E from 'fp-ts/lib/Either.js';
import { parse } from 'tla-checker-cli';
import type { TlaState, TlaValue } from 'tla-checker-cli';
import type { Model } from './models.js';

export type { TlaState };

/**
 * `W` holds the core states of all servers and the world between them (channels, disks, budgets); it is never changed
 * in place, and a core state in it is only ever made by a core step.
 */
export type Mirror<W> = {
  /** The states that answer to the spec's Init, at least one. */
  readonly init: readonly W[];
  /**
   * One step of the action with these arguments, in the order of the model's table.
   * `null`: no such step, since the world does not offer it or the core refuses it.
   * A step that changes nothing gives its state again: an edge to itself, as in TLC's dump.
   */
  readonly step: (w: W, action: string, args: readonly number[]) => W | null;
  /** The same as `step` for one binding, which is then asked of very many worlds. */
  readonly bind?: (action: string, args: readonly number[]) => (w: W) => W | null;
  /** All variables of the model's state, budgets of the MC module included. */
  readonly view: (w: W) => TlaState;
  /** The full state as plain data (no functions, no Map): what proves that `view` is one-to-one. */
  readonly key: (w: W) => unknown;
  /**
   * The world taken apart. With it a search knows full states by their pieces and works out most things once a piece
   * instead of once a state; the plain search does without, and must find the same graph.
   */
  readonly pieces?: Pieces<W>;
  /**
   * Fields of `key` by path, each with the spec variable that shows it. A path is field names joined by dots; `[]`
   * stands for an element of an array or the value under a numeric name: `servers[].round`, `world.wire[][]`.
   * A path covers all that is below it. A field of `key` found neither here nor in `hidden` fails the comparison.
   */
  readonly shown: Readonly<Record<string, string>>;
  /** Fields of `key` that no variable shows, each with the reason; each must be a function of the shown ones. */
  readonly hidden?: Readonly<Record<string, string>>;
  /** The spec's invariants, by its names, over its states; true where they hold. */
  readonly invariants?: Readonly<Record<string, (state: TlaState) => boolean>>;
  /** Situations by name, as steps that show them: models.json says in which models each must be reached. */
  readonly rows?: Readonly<Record<string, (before: W, action: string, args: readonly number[], after: W) => boolean>>;
  /** Why `step` gave null: the name of the guard, or null where the world did not offer the event. */
  readonly refusal?: (w: W, action: string, args: readonly number[]) => string | null;
};

/** Immutable parts of a world, each by itself: the servers, the connections, what is left to happen. */
export type Pieces<W> = {
  /** All that the world is, always so many pieces, each in its place; a step hands on what it does not change. */
  readonly take: (w: W) => readonly unknown[];
  readonly make: (pieces: readonly unknown[]) => W;
  /** The piece in this place as plain data, with all that `Mirror.key` has of it. */
  readonly key: (piece: unknown, place: number) => unknown;
};

/** Makes the mirror for a model, whose constants say how many servers there are and so on; Left says what is wrong. */
export type MakeMirror = (model: Model) => E.Either<string, Mirror<unknown>>;

/** Forgets what a world is: only the mirror itself ever looks into it. */
export const anyMirror = <W>(mirror: Mirror<W>): Mirror<unknown> => mirror as unknown as Mirror<unknown>;

/**
 * A constant of a model as a value. Its text must be a value as TLC prints it (`{1, 2}`, `<<1, 5>>`, `(1 :> 2 @@ 3 :> 4)`,
 * `[a |-> 1]`), not an expression that computes one.
 */
export const constantValue = (model: Model, name: string): E.Either<string, TlaValue> => {
  const constant = model.constants[name];
  if (constant === undefined) return E.left(`model ${model.name} gives no constant ${name}`);
  if (typeof constant === 'number' || typeof constant === 'boolean') return E.right(constant);
  if (typeof constant === 'object') return E.right({ model: name });
  const value = parse(constant);
  return E.isLeft(value)
    ? E.left(`model ${model.name}, constant ${name}: not a plain value: ${constant}`)
    : E.right(value.right);
};

/** Reads the constants of a model one by one; what is wrong is gathered, and told of all at the end. */
export type ConstantReader = {
  /** The constant as `read` sees it, else noted as a fault and given as `otherwise`. */
  readonly value: <A>(name: string, read: (v: TlaValue) => A | null, otherwise: A) => A;
  readonly count: (name: string) => number;
  readonly fault: (what: string) => void;
  /** Left lists the constants that are missing or have no such value. */
  readonly result: <S>(setting: S) => E.Either<string, S>;
};

export const readConstants = (model: Model): ConstantReader => {
  const faults: string[] = [];
  const fault = (what: string): void => void faults.push(`model ${model.name}: ${what}`);
  const value = <A>(name: string, read: (v: TlaValue) => A | null, otherwise: A): A => {
    const given = constantValue(model, name);
    const found = E.isLeft(given) ? null : read(given.right);
    if (E.isLeft(given)) faults.push(given.left);
    else if (found === null) fault(`constant ${name} cannot be read`);
    return found ?? otherwise;
  };
  return {
    value,
    count: (name) => value(name, (v) => (typeof v === 'number' ? v : null), 0),
    fault,
    result: (setting) => (faults.length > 0 ? E.left(faults.join('; ')) : E.right(setting)),
  };
};

/** Makes mirrors from a model's constants and the initial state that it names; `initOf` gives null for no such name. */
export const mirrorMaker =
  <S, I, W>(
    read: (model: Model) => E.Either<string, S>,
    initOf: (setting: S, name: string) => I | null,
    make: (setting: S, init: I) => Mirror<W>,
  ): MakeMirror =>
  (model) => {
    const setting = read(model);
    if (E.isLeft(setting)) return setting;
    const init = initOf(setting.right, model.init);
    if (init === null) return E.left(`model ${model.name}: no initial state is known by the name ${model.init}`);
    return E.right(anyMirror(make(setting.right, init)));
  };
