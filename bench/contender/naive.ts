import { Redis } from 'ioredis';
import { Counter, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import { waitForStart } from './start-gate.ts';

// The naive consumer that everybody writes first: XREADGROUP, zod and prom-client for each event, one XACK per batch.
// Nothing is durable: a restart loses all counts, and two consumers show different ones.
const [, , redisUrl = ''] = process.argv;
const redis = new Redis(redisUrl);
const STREAM = 'streamfold:{0}:events';
const registers = [new Registry()];

const id = z.string().regex(/^[A-Za-z0-9_\-.:/@]{1,128}$/);
const duration = z
  .string()
  .regex(/^\d{1,11}(\.\d+)?$/)
  .transform(Number);
const base = { swarm_id: id, v: z.string().optional(), at: z.string().optional() };
const signal = { ...base, sender_id: id, receiver_id: id, signal_type: id, signal_id: id.optional() };
const coordinator = { ...base, coordinator_id: id };
const event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('signal.acked'), ...signal, latency_ms: duration }),
  z.object({ type: z.literal('signal.sent'), ...signal }),
  z.object({ type: z.literal('wait.started'), ...coordinator, wait_id: id }),
  z.object({
    type: z.literal('wait.finished'),
    ...coordinator,
    wait_id: id.optional(),
    status: z.enum(['completed', 'timeout', 'error']),
    duration_ms: duration,
  }),
  z.object({ type: z.literal('coordinator.phase_changed'), ...coordinator, phase: id }),
  z.object({
    type: z.literal('timeout'),
    ...coordinator,
    timeout_type: z.enum(['blocking', 'signal_ack', 'heartbeat']),
  }),
]);

const latency = new Histogram({
  name: 'signal_delivery_latency_seconds',
  help: 'Latency.',
  labelNames: ['sender_id', 'receiver_id', 'signal_type'],
  buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10],
  registers,
});
const blocking = new Histogram({
  name: 'blocking_duration_seconds',
  help: 'Blocking.',
  labelNames: ['swarm_id', 'coordinator_id', 'status'],
  buckets: [1, 5, 10, 30, 60, 120, 300, 600, 1800],
  registers,
});
const sent = new Counter({
  name: 'signals_sent_total',
  help: 'Sent.',
  labelNames: ['swarm_id', 'signal_type'],
  registers,
});
const timeouts = new Counter({
  name: 'timeout_events_total',
  help: 'Timeouts.',
  labelNames: ['coordinator_id', 'timeout_type'],
  registers,
});

let events = 0;

function observe(input: unknown): void {
  const parsed = event.safeParse(input);
  if (!parsed.success) return;
  events++;
  const { data } = parsed;
  if (data.type === 'signal.acked') {
    const { sender_id, receiver_id, signal_type } = data;
    latency.observe({ sender_id, receiver_id, signal_type }, data.latency_ms / 1_000);
  } else if (data.type === 'signal.sent') {
    sent.inc({ swarm_id: data.swarm_id, signal_type: data.signal_type });
  } else if (data.type === 'wait.finished') {
    const { swarm_id, coordinator_id, status } = data;
    blocking.observe({ swarm_id, coordinator_id, status }, data.duration_ms / 1_000);
  } else if (data.type === 'timeout') {
    timeouts.inc({ coordinator_id: data.coordinator_id, timeout_type: data.timeout_type });
  }
}

function toObject(fields: readonly string[]): Record<string, string> {
  const object: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) object[fields[at] ?? ''] = fields[at + 1] ?? '';
  return object;
}

await redis.xgroup('CREATE', STREAM, 'naive', '0', 'MKSTREAM');
await waitForStart();
for (;;) {
  const reply = (await redis.xreadgroup('GROUP', 'naive', 'c', 'COUNT', 1_000, 'STREAMS', STREAM, '>')) as
    [string, [string, string[]][]][] | null;
  const entries = reply?.[0]?.[1] ?? [];
  if (entries.length === 0) break;
  for (const [, fields] of entries) {
    if (fields[0] === 'events') for (const each of JSON.parse(fields[1] ?? '[]') as unknown[]) observe(each);
    else observe(toObject(fields));
  }
  await redis.xack(STREAM, 'naive', ...entries.map(([entryId]) => entryId));
}
process.send?.({ type: 'done', events });
redis.disconnect();
process.disconnect?.();
