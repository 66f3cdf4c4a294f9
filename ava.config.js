export default {
  files: ['test/**/*.test.ts'],
  typescript: { rewritePaths: { 'test/': 'test/dist/' }, compile: false },
  nodeArguments: ['--enable-source-maps'],
  timeout: '3m',
  concurrency: 2,
};
