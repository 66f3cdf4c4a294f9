// The swarm's metrics inside a Koa application.
//
//   node examples/metrics-in-koa.mjs redis://127.0.0.1:6379
//
// An aggregator must run beside it (npx streamfold serve): this program folds nothing.
import { createMetricsHandler } from '@streamfold/aggregator';
import Koa from 'koa';

const metrics = createMetricsHandler({ redisUrl: process.argv[2] ?? 'redis://127.0.0.1:6379' });

const app = new Koa();
app.use(metrics.router.routes()); // GET /prometheus/metrics
app.use((context) => {
  context.body = 'your own pages\n';
});
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/prometheus/metrics`);
});

process.once('SIGTERM', () => {
  server.close();
  void metrics.close();
});
