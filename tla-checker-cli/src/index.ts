/** tla-checker-cli: runs TLC and gives typed results. */
export * from './value.js';
export * from './itf.js';
export { hashState, hashText, hashValue, keepHash } from './hash.js';
export type { Hash } from './hash.js';
export * from './dot.js';
export * from './config.js';
export * from './result.js';
export * from './error.js';
export { cacheFolder, findTlc, knownJars } from './tlc.js';
export type { FindOptions, KnownJar, Tlc } from './tlc.js';
export type { RunOptions } from './run.js';
export { check, checksSomething, simulate } from './check.js';
export type { CheckOptions, SimulateOptions } from './check.js';
export { dumpGraph } from './graph.js';
export type { GraphOptions } from './graph.js';
export { readNdjson, readTrace, traceOf, traceToItf, writeTrace } from './trace.js';
export type { Trace, TraceError, TraceFormat } from './trace.js';
