/** What the conformance side of the coverage consists of, besides models and kept traces; which tests take long. */
const preload = new URL('fixedSeed.mjs', import.meta.url).href;

/** The environment in which coverage is recorded: properties draw the same cases every time. */
export const recordingTo = (directory) => ({
  ...process.env,
  NODE_V8_COVERAGE: directory,
  NODE_OPTIONS: [process.env['NODE_OPTIONS'], `--import=${preload}`].filter(Boolean).join(' '),
});

/**
 * Tests in which the core is held against something else: random runs against the invariants, of ensembles that change too, the service against a
 * simple model of it, its laws and Apache's recordings. Tests by example do not count.
 */
export const comparing = [
  'dist/test/conformance/random.test.js',
  'dist/test/core/reconfigRuns.test.js',
  'dist/test/core/service/recorded.test.js',
  'dist/test/core/service/replicas.test.js',
  'dist/test/core/service/runs.test.js',
];

/** Tests that take minutes: `npm test` leaves them to `npm test -- --all`, as it does models of the tier "ci". */
export const larger = ['dist/test/conformance/bugs.test.js', 'dist/test/differential/differentialMutants.test.js'];
