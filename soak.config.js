// `npm run test:soak`: random schedules for minutes instead of seconds, and the tests whose load is larger here.
export default {
  files: [
    'test/**/*.soak.ts',
    'test/coordination/redis-restart.test.ts',
    'test/core/encode-event.test.ts',
    'test/core/schema-agreement.test.ts',
    'test/failures/earlier-commits.test.ts',
    'test/failures/lost-replies.test.ts',
    'test/kills/killed-aggregators.test.ts',
    'test/kills/killed-archivers.test.ts',
    'test/kills/killed-redis.test.ts',
    'test/kills/killed-restores.test.ts',
    'test/mixin/rules.test.ts',
    'test/packaging/packing.test.ts',
  ],
  environmentVariables: { STREAMFOLD_TEST_SOAK: '1' },
  typescript: { rewritePaths: { 'test/': 'test/dist/' }, compile: false },
  nodeArguments: ['--enable-source-maps'],
  timeout: '30m',
  concurrency: 2,
};
