// `npm test`: the files of each folder share one worker and its servers. `npx ava FILE` runs one of them.

/** They take minutes, so they begin first. */
const LONG = ['failures', 'alertmanager', 'kills', 'fold', 'mixin', 'demo', 'aggregator'];

export default {
  files: ['test/*/suite.ts', 'test/*/*.alone.test.ts'],
  sortTestFiles: (left, right) => rank(left) - rank(right),
  typescript: { rewritePaths: { 'test/': 'test/dist/' }, compile: false },
  nodeArguments: ['--enable-source-maps'],
  timeout: '5m',
  concurrency: 4,
};

function rank(file) {
  const at = LONG.findIndex((folder) => file.includes(`/${folder}/suite.`));
  return at === -1 ? LONG.length : at;
}
