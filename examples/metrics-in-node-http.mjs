// The swarm's metrics inside a server of node:http.
//
//   node examples/metrics-in-node-http.mjs redis://127.0.0.1:6379
//
// An aggregator must run beside it (npx streamfold serve): this program folds nothing.
import { createServer } from 'node:http';
import { createMetricsHandler } from '@streamfold/aggregator';

const metrics = createMetricsHandler({ redisUrl: process.argv[2] ?? 'redis://127.0.0.1:6379' });

const server = createServer((request, response) => {
  if (request.url?.split('?')[0] === '/prometheus/metrics') metrics.handle(request, response);
  else response.end('your own pages\n');
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/prometheus/metrics`);
});

process.once('SIGTERM', () => {
  server.close();
  void metrics.close();
});
