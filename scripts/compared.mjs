/**
 * Tests in which the core is held against something else: random runs against the invariants, the service against a
 * simple model of it, its laws and Apache's recordings. Tests by example do not count.
 */
export const comparing = [
  'dist/test/conformance/random.test.js',
  'dist/test/core/service/recorded.test.js',
  'dist/test/core/service/replicas.test.js',
  'dist/test/core/service/runs.test.js',
];
