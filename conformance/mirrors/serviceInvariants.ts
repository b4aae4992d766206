/** The invariants of spec/MCService.tla over its states, by their names there. */
import { isArray } from 'tla-checker-cli';
import type { TlaState, TlaValue } from 'tla-checker-cli';
import { entries } from './electionSetting.js';

type Fields = Readonly<Record<string, TlaValue>>;

/** The fields of a record; none of what is none, as a connection that is not there. */
const fields = (v: TlaValue | undefined): Fields =>
  typeof v === 'object' && !isArray(v) && 'record' in v ? v.record : {};

const isNone = (v: TlaValue | undefined): boolean => typeof v === 'object' && !isArray(v) && 'model' in v;

const members = (v: TlaValue | undefined): readonly TlaValue[] =>
  typeof v === 'object' && !isArray(v) && 'set' in v ? v.set : [];

const at = (v: TlaValue | undefined, key: TlaValue): TlaValue | undefined => entries(v).find(([k]) => k === key)?.[1];

const attachedOnce = (state: TlaState): boolean =>
  entries(state['server']).every(([i, s]) =>
    entries(fields(s)['attached']).every(
      ([session, k]) => k === 0 || (at(state['at'], k) === i && fields(at(state['conn'], k))['session'] === session),
    ),
  );

const ephemeralsLive = (state: TlaState): boolean =>
  entries(state['server']).every(([, s]) => {
    const { tree, sessions } = fields(s);
    const live = members(sessions);
    return entries(tree).every(([, n]) => {
      const owner = isNone(n) ? 0 : fields(n)['owner'];
      return owner === 0 || live.includes(owner as number);
    });
  });

const neverBehind = (state: TlaState): boolean =>
  entries(state['client']).every(([, c]) => {
    const { conn, ready, seen } = fields(c);
    const server = at(state['at'], conn as number);
    if (conn === 0 || ready !== true || typeof server !== 'number' || server <= 0) return true;
    return (seen as number) <= (fields(at(state['server'], server))['zxid'] as number);
  });

export const serviceInvariants: Readonly<Record<string, (state: TlaState) => boolean>> = {
  AttachedOnce: attachedOnce,
  EphemeralsLive: ephemeralsLive,
  NeverBehind: neverBehind,
};
