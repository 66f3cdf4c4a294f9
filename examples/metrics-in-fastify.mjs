// The swarm's metrics inside a Fastify application.
//
//   node examples/metrics-in-fastify.mjs redis://127.0.0.1:6379
//
// An aggregator must run beside it (npx streamfold serve): this program folds nothing.
import { createMetricsHandler } from '@streamfold/aggregator';
import fastify from 'fastify';

const metrics = createMetricsHandler({ redisUrl: process.argv[2] ?? 'redis://127.0.0.1:6379' });

const app = fastify();
app.get('/prometheus/metrics', (request, reply) => {
  reply.hijack(); // the handler answers, not Fastify
  metrics.handle(request.raw, reply.raw);
});
app.get('/', async () => 'your own pages\n');
app.addHook('onClose', () => metrics.close());
const address = await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`${address}/prometheus/metrics`);

process.once('SIGTERM', () => void app.close());
