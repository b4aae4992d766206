/** Who may import whom: the rules of docs/architecture.md in words. test/frame plants a violation of each and sees it found. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: allowed },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('core-imports-core', '^core/', ['^core/'], 'core has no run-time dependency and no platform'),
    only(
      'wire-imports-core',
      '^wire/',
      ['^wire/', '^core/', 'node_modules/fp-ts/lib/'],
      'wire: pure codecs over core values',
    ),
    only(
      'shell-imports',
      '^shell/',
      [
        '^shell/',
        '^wire/',
        '^core/',
        'node_modules/(fp-ts|io-ts)/',
        '^(node:)?(assert|buffer|child_process|crypto|dns/promises|events|fs|fs/promises|http|net|os|path|process|stream|stream/promises|timers|tls|tty|url|util|worker_threads|zlib|perf_hooks|v8)$',
      ],
      'shell: sockets, disk, clock, configuration',
    ),
    {
      name: 'shell-sees-little-of-core',
      comment:
        'shell runs core/server.ts and core/recovery.ts, looks through core/inspect.ts, offers the schemes of core/service/auth.ts and knows types; protocol rules are not its own',
      severity: 'error',
      from: { path: '^shell/' },
      to: {
        path: '^core/',
        pathNot: ['^core/(server|recovery|inspect|service/auth)\\.ts$', '^core/data/'],
        dependencyTypesNot: ['type-only'],
      },
    },
    only(
      'conformance-imports',
      '^conformance/',
      [
        '^conformance/',
        '^core/',
        '^wire/',
        '^tla-checker-cli/',
        'node_modules/(fp-ts|io-ts|fast-check)/',
        '^(node:)?[a-z_/]+$',
      ],
      'conformance never sees shell',
    ),
    { name: 'nobody-imports-cli', severity: 'error', from: { pathNot: '^(cli|test)/' }, to: { path: '^cli/' } },
    { name: 'nobody-imports-test', severity: 'error', from: { pathNot: '^(test|bench)/' }, to: { path: '^test/' } },
    {
      name: 'checker-stands-alone',
      severity: 'error',
      from: { path: '^tla-checker-cli/' },
      to: { path: '^(core|wire|shell|conformance|cli|test)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
