// Tests run over the built output; test/system needs real clients and runs by its own command.
export default {
  files: ['dist/test/**/*.test.js', 'tla-checker-cli/dist/test/**/*.test.js', '!dist/test/system/**'],
  timeout: '5m',
};
