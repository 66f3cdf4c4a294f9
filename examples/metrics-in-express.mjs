// The swarm's metrics inside an Express application.
//
//   node examples/metrics-in-express.mjs redis://127.0.0.1:6379
//
// An aggregator must run beside it (npx streamfold serve): this program folds nothing.
import { createMetricsHandler } from '@streamfold/aggregator';
import express from 'express';

const metrics = createMetricsHandler({ redisUrl: process.argv[2] ?? 'redis://127.0.0.1:6379' });

const app = express();
app.get('/prometheus/metrics', metrics.handle);
app.get('/', (_request, response) => response.send('your own pages\n'));
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/prometheus/metrics`);
});

process.once('SIGTERM', () => {
  server.close();
  void metrics.close();
});
