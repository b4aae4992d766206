/** Says in which places two states differ, variable by variable and down to the innermost value. */
import { canonicalText } from 'tla-checker-cli';
import type { TlaState, TlaValue } from 'tla-checker-cli';

/** One place: `vote[2].leader`, with the text of both values; null where one side has no such place. */
export type Place = { readonly at: string; readonly tlc: string | null; readonly core: string | null };

/** The places where the states differ; none if they are the same state of the spec. */
export const differingPlaces = (tlc: TlaState, core: TlaState): readonly Place[] => {
  const places: Place[] = [];
  for (const name of [...new Set([...Object.keys(tlc), ...Object.keys(core)])].sort())
    walk(name, tlc[name], core[name], places);
  return places;
};

const walk = (at: string, tlc: TlaValue | undefined, core: TlaValue | undefined, places: Place[]): void => {
  const a = tlc === undefined ? null : canonicalText(tlc);
  const b = core === undefined ? null : canonicalText(core);
  if (a === b) return;
  const left = tlc === undefined ? null : entries(tlc);
  const right = core === undefined ? null : entries(core);
  if (left === null || right === null || left.size === 0 || right.size === 0) {
    places.push({ at, tlc: a, core: b });
    return;
  }
  for (const key of new Set([...left.keys(), ...right.keys()])) walk(at + key, left.get(key), right.get(key), places);
};

/** A function in any of its forms: what is below it, by the text of how one gets there. Null: no function. */
const entries = (v: TlaValue): ReadonlyMap<string, TlaValue> | null => {
  if (typeof v !== 'object') return null;
  if (isSequence(v)) return new Map(v.map((item, i) => [`[${i + 1}]`, item]));
  if ('record' in v) return new Map(Object.entries(v.record).map(([name, w]) => [`.${name}`, w]));
  if ('fcn' in v) return new Map(v.fcn.map(([k, w]) => [typeof k === 'string' ? `.${k}` : `[${canonicalText(k)}]`, w]));
  return null;
};

const isSequence = (v: TlaValue): v is readonly TlaValue[] => Array.isArray(v);
