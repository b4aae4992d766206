/** One model, run by TLC over a folder of modules: what it found, and of a whole graph a digest. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { check, dumpGraph, explain, hashValue } from 'tla-checker-cli';
import type { CheckResult, DotHandler, GraphError, Hash, Outcome, RunOptions, Tlc } from 'tla-checker-cli';
import { generate, writeGenerated } from '../generate.js';
import type { Model } from '../models.js';
import { resultOf } from '../tlc.js';

export type RowRun =
  | {
      readonly type: 'Found';
      /** In the words of models.json. */
      readonly result: string;
      readonly distinct: number;
      readonly generated: number;
      readonly depth: number;
      /** Of states and labelled edges, in whatever order they came; null where no whole graph was written. */
      readonly digest: string | null;
      readonly cpuMs: number;
    }
  /** SANY or the configuration: this is no module. */
  | { readonly type: 'Unparsable'; readonly message: string; readonly cpuMs: number }
  | { readonly type: 'Evaluation'; readonly message: string; readonly cpuMs: number }
  /** More states than were allowed: the graph is another one. */
  | { readonly type: 'TooMany'; readonly states: number; readonly cpuMs: number }
  | { readonly type: 'NoVerdict'; readonly message: string; readonly cpuMs: number };

export type RowLimits = {
  /** Seconds of the clock. */
  readonly seconds: number;
  readonly states: number;
};

/** @param folder where the modules are */
export const runRow = async (tlc: Tlc, model: Model, folder: string, limits: RowLimits): Promise<RowRun> => {
  const scratch = await mkdtemp(join(tmpdir(), 'zabkeeper-mutant-'));
  try {
    return await runIn(scratch, tlc, model, folder, limits);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

const runIn = async (
  scratch: string,
  tlc: Tlc,
  model: Model,
  folder: string,
  { seconds, states }: RowLimits,
): Promise<RowRun> => {
  const started = performance.now();
  const spent = (): number => Math.round(performance.now() - started);
  const generated = generate(model);
  if (E.isLeft(generated)) return { type: 'NoVerdict', message: generated.left, cpuMs: spent() };
  const stop = new AbortController();
  const options: RunOptions = {
    spec: await writeGenerated(generated.right, scratch),
    libraries: [folder],
    workers: 1,
    short: true,
    heap: '700m',
    timeLimit: seconds,
    signal: stop.signal,
    log: join(scratch, 'tlc.log'),
  };
  const graph = digester(states, () => stop.abort());
  const whole = model.result === 'ok' && model.fairness === undefined;
  const ran: E.Either<GraphError, CheckResult> = whole
    ? E.map((g: { readonly check: CheckResult }) => g.check)(await dumpGraph(tlc, options, graph.handler)())
    : await check(tlc, options)();
  if (graph.states() > states) return { type: 'TooMany', states: graph.states(), cpuMs: spent() };
  if (E.isLeft(ran)) return { type: 'NoVerdict', message: explain(ran.left).message, cpuMs: spent() };
  const { outcome, stats, cost } = ran.right;
  const cpuMs = cost.cpuSeconds === null ? spent() : Math.round(cost.cpuSeconds * 1000);
  const result = resultOf(outcome);
  if (result === null) return { ...unfit(outcome), cpuMs };
  return {
    type: 'Found',
    result,
    distinct: stats.distinct,
    generated: stats.generated,
    depth: stats.depth ?? 0,
    digest: whole && result === 'ok' ? graph.digest() : null,
    cpuMs,
  };
};

/** A mutant that TLC cannot judge. */
const unfit = (outcome: Outcome): { readonly type: 'Unparsable' | 'Evaluation'; readonly message: string } => {
  const message = 'message' in outcome ? outcome.message : '';
  if (outcome.type === 'evaluation error') return { type: 'Evaluation', message };
  return { type: 'Unparsable', message: `${outcome.type}: ${message}` };
};

/** Sums over states and edges, so that the order in which TLC writes them does not matter. */
const digester = (
  most: number,
  tooMany: () => void,
): { readonly handler: DotHandler; readonly states: () => number; readonly digest: () => string } => {
  const hashes = new Map<string, Hash>();
  const labels = new Map<string, number>();
  const edges: (readonly [string, string, number])[] = [];
  let initial = 0;
  return {
    handler: {
      onStateHash: (fingerprint, first, hash) => {
        hashes.set(fingerprint, hash);
        if (first) initial = (initial + hash[0]) >>> 0;
        if (hashes.size === most + 1) tooMany();
      },
      onEdge: (from, to, label) => {
        const known = labels.get(label) ?? hashValue(label)[0];
        labels.set(label, known);
        edges.push([from, to, known]);
      },
    },
    states: () => hashes.size,
    digest: () => {
      let states = 0;
      let sum = 0;
      let other = 0;
      for (const h of hashes.values()) states = (states + Math.imul(h[0] ^ h[1], 0x9e3779b1)) >>> 0;
      for (const [from, to, label] of edges) {
        const [a, b] = [hashes.get(from) ?? none, hashes.get(to) ?? none];
        sum = (sum + mixed(mixed(a[0] ^ label) ^ b[1])) >>> 0;
        other = (other + mixed(mixed(a[2] + label) ^ b[3])) >>> 0;
      }
      return [initial, states, sum, other, hashes.size, edges.length].map((n) => n.toString(16)).join('-');
    },
  };
};

const none: Hash = [0, 0, 0, 0];

const mixed = (n: number): number => {
  let x = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
};
