// `npm test`: the files of each folder share one worker and its servers. `npx ava FILE` runs one of them.
export default {
  files: ['test/*/suite.ts', 'test/*/*.alone.test.ts'],
  typescript: { rewritePaths: { 'test/': 'test/dist/' }, compile: false },
  nodeArguments: ['--enable-source-maps'],
  timeout: '5m',
  concurrency: 4,
};
