// An aggregator inside a program of your own: it folds, and serves the metrics, until Ctrl-C.
//
//   node examples/run-aggregator.mjs redis://127.0.0.1:6379
//
// Only `redisUrl` is required. Port 0 is a free one; without `port` it is 3000.
import { runAggregator } from '@streamfold/aggregator';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

await runAggregator(
  {
    redisUrl: process.argv[2] ?? 'redis://127.0.0.1:6379',
    port: 0,
    onListening: (url) => console.log(`${url}/prometheus/metrics`),
    observe(fact) {
      if ('error' in fact) console.error(fact.type, fact.error.message);
    },
  },
  stop.signal,
);
console.log('stopped');
