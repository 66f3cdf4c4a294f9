import { createRandom, type WireEvent } from '../harness/generate-events.ts';

/** An event and its time, ms. */
export interface TimedEvent {
  readonly atMs: number;
  readonly fields: WireEvent;
}

const DAY_MS = 86_400_000;
const SWARM = { swarm_id: 's1' };

/** A day in the life of a small swarm, from `beginMs` on: the same for the same `beginMs` and seed. */
export function* dayOfEvents(beginMs: number, seed: number): Generator<TimedEvent> {
  const random = createRandom(seed);
  const pick = (...words: [string, ...string[]]): string =>
    words[Math.floor(random() * words.length)] ?? words[0];
  let waits = 0;
  for (let atMs = beginMs; atMs < beginMs + DAY_MS; atMs += Math.floor(random() * 120_000)) {
    const life = { ...SWARM, coordinator_id: pick('c1', 'c2', 'c3') };
    const signal = { ...SWARM, sender_id: 'c1', receiver_id: pick('c2', 'c3'), signal_type: 'handoff' };
    const what = random();
    const durationMs = String(Math.floor(random() * random() * 900_000));
    if (what < 0.1) yield { atMs, fields: { type: 'coordinator.started', ...life, phase: pick('a', 'b') } };
    else if (what < 0.15) yield { atMs, fields: { type: 'coordinator.stopped', ...life } };
    else if (what < 0.3) yield { atMs, fields: { type: 'wait.started', ...life, wait_id: `w${++waits}` } };
    else if (what < 0.6) {
      const status = pick('completed', 'completed', 'timeout');
      const fields = { type: 'wait.finished', ...life, status, duration_ms: durationMs };
      yield { atMs, fields: random() < 0.5 ? fields : { ...fields, wait_id: `w${waits}` } };
    } else if (what < 0.75) yield { atMs, fields: { type: 'signal.sent', ...signal } };
    else if (what < 0.9) {
      yield { atMs, fields: { type: 'signal.acked', ...signal, latency_ms: String(random() * 9_000) } };
    } else if (what < 0.95) yield { atMs, fields: { type: 'heartbeat.stale', ...life } };
    else yield { atMs, fields: { type: 'timeout', ...life, timeout_type: pick('blocking', 'signal_ack') } };
  }
}
