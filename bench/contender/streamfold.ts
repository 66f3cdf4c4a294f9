import { runAggregator } from '@streamfold/aggregator';
import { waitForStart } from './start-gate.ts';

// One aggregator as `streamfold serve` runs it: folds, keeps its view and serves. Ends with SIGTERM.
const [, , redisUrl = '', role = 'all', shards = '1'] = process.argv;
const stop = new AbortController();
await waitForStart();
process.once('SIGTERM', () => stop.abort());
await runAggregator(
  {
    redisUrl,
    shards: Number(shards),
    port: 0,
    role: role === 'fold' ? 'fold' : 'all',
    version: 'bench',
    observe: () => undefined,
    onListening: (url) => process.send?.({ type: 'listening', url }),
  },
  stop.signal,
);
process.disconnect?.();
