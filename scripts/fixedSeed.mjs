/**
 * Preloaded (`--import`) by what records coverage: properties are checked with the same cases every time, so that a
 * branch is reached by every such run or by none. Run by hand, the same tests take new seeds.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: 3 });
