// `npm run test:matrix` runs these with several servers and versions of Node.js: infra/test-matrix.mjs.
export default {
  files: ['test/matrix/*.matrix.ts'],
  typescript: { rewritePaths: { 'test/': 'test/dist/' }, compile: false },
  nodeArguments: ['--enable-source-maps'],
  timeout: '5m',
};
