/**
 * A second server that is told every event of the first in a batch of its own: batches must be nothing but their fold.
 * It shares no state with the first, since a batch may change in place what only it can see.
 */
import { serverStep, startServer } from '../../core/server.js';
import type { Clock, ServerConfig, ServerEffect, ServerEvent, ServerState, ServerStep } from '../../core/server.js';
import type { Recovered } from '../../core/recovery.js';

export type Twin = {
  /** Takes the batch event by event. @returns where it parts from the step, or null */
  readonly follow: (batch: readonly ServerEvent[], clock: Clock, step: ServerStep) => string | null;
};

const statesEvery = 8;

export const startTwin = (config: ServerConfig, recovered: Recovered, clock: Clock): Twin | null => {
  const begun = startServer(config, recovered, clock);
  if ('refused' in begun) return null;
  let state: ServerState = begun.state;
  let batches = 0;
  return {
    follow: (batch, now, step) => {
      batches++;
      const effects: ServerEffect[] = [];
      for (const event of batch) {
        const one = serverStep(state, [event], now);
        state = one.state;
        effects.push(...one.effects);
      }
      if (plainText(effects) !== plainText(step.effects)) return 'the effects of a batch are not those of its events';
      // Whole states cost more than all the rest of a run: what differs in one goes on differing.
      if (batches % statesEvery !== 0) return null;
      return plainText(state) === plainText(step.state) ? null : 'the state after a batch is not that after its events';
    },
  };
};

type Shape = Readonly<Record<string, unknown>>;

/** The value as text, the same for equal values however a structure of core/data has grown. */
export const plainText = (value: unknown): string => JSON.stringify(plain(value));

const plain = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return [...value];
  if (value instanceof Map) return { map: [...value].map(plain) };
  const shape = value as Shape;
  if ('dataMap' in shape) return { entries: entriesIn(shape).map(([k, v]) => [k, plain(v)]) };
  if ('front' in shape && 'back' in shape) return { queue: queued(shape).map(plain) };
  if (Symbol.iterator in shape) return [...(value as Iterable<unknown>)].map(plain);
  if ('items' in shape && 'from' in shape && 'to' in shape)
    return { window: (shape['items'] as unknown[]).slice(shape['from'] as number, shape['to'] as number).map(plain) };
  return Object.fromEntries(Object.entries(shape).map(([k, v]) => [k, plain(v)]));
};

/** Entries of a persistent map by key, whatever its nodes look like. */
const entriesIn = (map: Shape): (readonly [unknown, unknown])[] => {
  const slots = map['slots'] as unknown[];
  const below = bits(map['nodeMap'] as number);
  const own = slots.length - below;
  const found: (readonly [unknown, unknown])[] = [];
  for (let i = 0; i < own; i += 2) found.push([slots[i], slots[i + 1]]);
  for (const node of slots.slice(own)) found.push(...entriesIn(node as Shape));
  return found.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
};

const bits = (n: number): number => (n === 0 ? 0 : (n & 1) + bits(n >>> 1));

type Cell = { readonly item: unknown; readonly next: Cell | null };

const queued = (queue: Shape): unknown[] => {
  const list = (cell: Cell | null): unknown[] => (cell === null ? [] : [cell.item, ...list(cell.next)]);
  return [...list(queue['front'] as Cell | null), ...list(queue['back'] as Cell | null).reverse()];
};
