/** tla-checker-cli: TLC with typed results. */
export * from './value.js';
export * from './itf.js';
export { hashState, hashText, hashValue } from './hash.js';
export type { Hash } from './hash.js';
export * from './dot.js';
