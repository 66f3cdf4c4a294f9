import { readFileSync } from 'node:fs';
import { Counter, Histogram, Registry } from 'prom-client';
import { waitForStart } from './start-gate.ts';

// prom-client with the same number of series as Streamfold: it renders all of them at each scrape.
const [, , count = '0', kind = 'mixed'] = process.argv;
const registers = [new Registry()];
const latency = new Histogram({
  name: 'signal_delivery_latency_seconds',
  help: 'Latency.',
  labelNames: ['sender_id', 'receiver_id', 'signal_type'],
  buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10],
  registers,
});
const sent = new Counter({
  name: 'signals_sent_total',
  help: 'Sent.',
  labelNames: ['swarm_id', 'signal_type'],
  registers,
});
for (let index = 0; index < Number(count); index++) {
  const signal_type = 'completion';
  if (kind === 'histograms' || index % 2 === 0) {
    latency.observe(
      { sender_id: `coordinator-${index % 1_000}`, receiver_id: `worker-${index}`, signal_type },
      1.5,
    );
  } else sent.inc({ swarm_id: `swarm-${index}`, signal_type });
}
await waitForStart();
const beforeMs = readMainThreadMs();
const text = await registers[0]?.metrics();
process.send?.({ type: 'done', mainThreadMs: readMainThreadMs() - beforeMs, characters: text?.length });
process.disconnect?.();

function readMainThreadMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
}
