import tseslint from 'typescript-eslint';

/** What core may never do: it is pure, total and knows no clock, chance or platform (docs/architecture.md). */
const pureCore = [
  { selector: "MemberExpression[object.name='Date']", message: 'core knows no clock: time enters in the event' },
  { selector: "NewExpression[callee.name='Date']", message: 'core knows no clock: time enters in the event' },
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'core knows no chance' },
  { selector: 'ThrowStatement', message: 'core is total: return a refusal' },
  { selector: 'ClassDeclaration', message: 'core has plain records' },
  { selector: 'ClassExpression', message: 'core has plain records' },
  { selector: 'AwaitExpression', message: 'core is synchronous' },
  { selector: 'FunctionDeclaration[async=true]', message: 'core is synchronous' },
  { selector: 'ArrowFunctionExpression[async=true]', message: 'core is synchronous' },
  {
    selector: "MemberExpression[object.name='globalThis']",
    message: 'core touches nothing outside its arguments',
  },
];

/** In ES modules fp-ts/X compiles and then fails at run time (gcanti/fp-ts#1854): only fp-ts/lib/X.js works. */
const fpTsPaths = {
  patterns: [
    { regex: '^fp-ts/(?!lib/)', message: 'import fp-ts/lib/X.js' },
    { regex: '^fp-ts$', message: 'import fp-ts/lib/X.js' },
  ],
};

/** core/server.ts only routes: no rule about zxids, epochs, votes or quorums may stand there. */
const routingOnly = [
  {
    selector:
      'BinaryExpression[operator=/^(<|>|<=|>=|===|!==|==|!=)$/] MemberExpression[property.name=/^(zxid|epoch|counter|vote|round|acceptedEpoch|currentEpoch)$/]',
    message: 'core/server.ts routes; comparisons of zxid, epoch, vote or quorum belong to the modules',
  },
  {
    selector: 'CallExpression[callee.name=/^(compareZxid|sameZxid|compareVote|sameVote|isQuorum)$/]',
    message: 'core/server.ts routes; comparisons of zxid, epoch, vote or quorum belong to the modules',
  },
];

export default tseslint.config(
  { ignores: ['dist/**', '**/dist/**', 'node_modules/**', 'test/vectors/**', '.cache/**', 'traces/**', '**/*.cjs'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-restricted-imports': ['error', fpTsPaths],
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  { files: ['core/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...pureCore] } },
  { files: ['core/server.ts'], rules: { 'no-restricted-syntax': ['error', ...pureCore, ...routingOnly] } },
);
