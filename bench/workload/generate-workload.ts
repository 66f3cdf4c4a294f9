/** A backlog to be drained: the content of the stream before the clock starts. */
export interface Workload {
  readonly name: string;
  readonly events: number;
  /** Events in one entry; 1: flat. */
  readonly eventsPerEntry: number;
  /** Number of different senders and receivers, which determines the number of series. */
  readonly series: number;
  /** The swarm of all events; by default twenty take turns. */
  readonly swarmId?: string;
}

type Fields = Record<string, string>;

/**
 * Event `index` of a workload: nine in ten are about signals, the rest about waits and lives. The same for every
 * contender and every run.
 */
export function generateEvent(index: number, { series, swarmId }: Workload): Fields {
  const random = scramble(index);
  const who = random % series;
  const swarm_id = swarmId ?? `swarm-${who % 20}`;
  const kind = (random >>> 8) % 100;
  if (kind < 60) {
    return {
      type: 'signal.acked',
      swarm_id,
      sender_id: `coordinator-${who % 1_000}`,
      receiver_id: `worker-${who}`,
      signal_type: 'completion',
      signal_id: `sig-${index}`,
      latency_ms: String((random >>> 4) % 12_000),
      at: String(1_790_000_000_000 + index),
    };
  }
  if (kind < 90) {
    return {
      type: 'signal.sent',
      swarm_id,
      sender_id: `coordinator-${who % 1_000}`,
      receiver_id: `worker-${who}`,
      signal_type: 'completion',
      signal_id: `sig-${index}`,
      v: '1',
      at: String(1_790_000_000_000 + index),
    };
  }
  const coordinator_id = `coordinator-${who % 500}`;
  if (kind < 94) return { type: 'wait.started', swarm_id, coordinator_id, wait_id: `wait-${index % 50}` };
  if (kind < 98) {
    return {
      type: 'wait.finished',
      swarm_id,
      coordinator_id,
      wait_id: `wait-${index % 50}`,
      status: 'completed',
      duration_ms: String((random >>> 3) % 400_000),
    };
  }
  if (kind < 99)
    return { type: 'coordinator.phase_changed', swarm_id, coordinator_id, phase: `phase-${random % 5}` };
  return { type: 'timeout', swarm_id, coordinator_id, timeout_type: 'blocking' };
}

/** A well-mixed 31-bit number for each index: without a clock or randomness, the same everywhere. */
function scramble(index: number): number {
  let mixed = Math.imul(index + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 1;
}
