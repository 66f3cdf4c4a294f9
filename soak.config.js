// `npm run test:soak`: the random schedules, for minutes instead of seconds.
export default {
  files: ['test/**/*.soak.ts'],
  typescript: { rewritePaths: { 'test/': 'test/dist/' }, compile: false },
  nodeArguments: ['--enable-source-maps'],
  timeout: '30m',
  concurrency: 2,
};
