/** The models that a command works on: spec/models.json or another file, chosen by name, tier or historic bug. */
import { dirname, join, relative, resolve } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import type { MakeMirror } from '../conformance/mirror.js';
import { electionMirror } from '../conformance/mirrors/election.js';
import { electionLivenessMirror } from '../conformance/mirrors/electionLiveness.js';
import { membershipMirror } from '../conformance/mirrors/membership.js';
import { paxosMirror } from '../conformance/mirrors/paxos.js';
import { replicationMirror } from '../conformance/mirrors/replication.js';
import { serviceMirror } from '../conformance/mirrors/service.js';
import { readModels } from '../conformance/modelFiles.js';
import type { Model, Models } from '../conformance/models.js';
import type { Failure } from './failure.js';
import { fail } from './failure.js';
import { packageRoot } from './place.js';

/** The mirrors that models.json may name. */
export const mirrors: Readonly<Record<string, MakeMirror>> = {
  election: electionMirror,
  electionLiveness: electionLivenessMirror,
  membership: membershipMirror,
  paxos: paxosMirror,
  replication: replicationMirror,
  service: serviceMirror,
};

export type ModelFile = {
  readonly path: string;
  /** As it is shown: relative to the working directory where that is shorter. */
  readonly shown: string;
  /** The modules stand beside the file. */
  readonly specDirectory: string;
  readonly models: Models;
};

export const defaultModels = join(packageRoot, 'spec', 'models.json');

export const loadModels = (path: string = defaultModels): E.Either<Failure, ModelFile> => {
  const bad = (why: string, errors: readonly string[]): E.Either<Failure, never> =>
    fail({
      code: 'BadModels',
      exit: 3,
      message: `${shownPath(path)} ${why}`,
      hint: 'conformance/models.ts describes the file',
      details: { errors },
    });
  const models = readModels(path);
  if (E.isLeft(models)) return bad(`cannot be used: ${models.left.join('; ')}`, models.left);
  return E.right({
    path: resolve(path),
    shown: shownPath(path),
    specDirectory: dirname(resolve(path)),
    models: models.right,
  });
};

export const shownPath = (path: string): string => {
  const near = relative(process.cwd(), resolve(path));
  return near.length < path.length && near !== '' ? near : path;
};

export type Choice = {
  readonly names: readonly string[];
  /** Larger models too, those of the tier `ci`. */
  readonly all: boolean;
};

/** The models of these names, else those of the tiers. Left: a name that is not there. */
export const choose = ({ models, shown }: ModelFile, { names, all }: Choice): E.Either<Failure, readonly Model[]> => {
  if (names.length === 0)
    return E.right([...models.values()].filter((m) => m.tier === 'tiny' || (all && m.tier === 'ci')));
  const unknown = names.filter((n) => !models.has(n));
  if (unknown.length > 0) {
    return fail({
      code: 'UnknownModel',
      exit: 2,
      message: `${shown} has no model ${unknown.join(', ')}`,
      hint: `its models: ${[...models.keys()].join(' ') || 'none'}`,
    });
  }
  return E.right([...new Set(names)].flatMap((n) => models.get(n) ?? []));
};

/**
 * Models with a historic bug switched on: those of the file that have it, or the chosen ones with the constant `Bugs`
 * replaced, of which nothing is known beforehand.
 */
export const withBug = (
  file: ModelFile,
  names: readonly string[],
  bug: string,
): E.Either<Failure, readonly Model[]> => {
  const usage = (message: string, hint: string): E.Either<Failure, never> =>
    fail({ code: 'UnknownBug', exit: 2, message, hint });
  const all = [...file.models.values()];
  if (names.length === 0) {
    const rows = all.filter((m) => bugsOf(m).includes(bug));
    const known = [...new Set(all.flatMap(bugsOf))].join(' ') || 'none';
    return rows.length > 0
      ? E.right(rows)
      : usage(
          `${file.shown} has no model with the bug ${bug}`,
          `its bugs: ${known}; or name a model: check MODEL --bug ${bug}`,
        );
  }
  const chosen = choose(file, { names, all: true });
  if (E.isLeft(chosen)) return chosen;
  const without = chosen.right.filter((m) => m.constants['Bugs'] === undefined);
  return without.length > 0
    ? usage(`model ${without[0]?.name ?? ''} has no bugs to switch on: it lacks the constant Bugs`, '')
    : E.right(chosen.right.map((m) => (bugsOf(m).includes(bug) ? m : toggled(m, bug))));
};

/** The bugs that a model has switched on. */
export const bugsOf = (model: Model): readonly string[] => {
  const text = model.constants['Bugs'];
  return typeof text === 'string' ? [...text.matchAll(/"([^"]+)"/g)].map((m) => m[1] ?? '') : [];
};

const toggled = (m: Model, bug: string): Model => {
  const bugs = [...bugsOf(m), bug].map((b) => `"${b}"`).join(', ');
  return { ...bare(m), name: m.name, constants: { ...m.constants, Bugs: `{${bugs}}` }, result: 'ok' };
};

/** A model of which only the verdict counts: no sizes, nothing compared. */
export const bare = (m: Model): Model => {
  const copy: Record<string, unknown> = { ...m };
  for (const name of ['compare', 'judge', 'replay', 'parts', 'edges', 'distinct', 'generated', 'depth'])
    delete copy[name];
  return copy as unknown as Model;
};

/** The mirror of the module that a model checks, by what its neighbours in the file name; null: no core to compare. */
export const mirrorOf = (file: ModelFile, model: Model): MakeMirror | null => {
  const kin = [model, ...[...file.models.values()].filter((m) => m.module === model.module)];
  for (const m of kin)
    for (const name of [m.compare, m.replay, m.parts, m.judge]) {
      const make = mirrors[name ?? ''];
      if (make !== undefined) return make;
    }
  return null;
};
