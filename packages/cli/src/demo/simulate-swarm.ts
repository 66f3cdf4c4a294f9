import type { EventInput } from '@streamfold/core';

/** What a simulated coordinator needs of the world. */
export interface SwarmWorld {
  /** Publishes one event. */
  readonly publish: (event: EventInput) => void;
  /** Waits so many ms, or until `stop` is aborted. */
  readonly pause: (ms: number, stop: AbortSignal) => Promise<void>;
  /** Evenly distributed in [0, 1). */
  readonly random: () => number;
  /** Monotonic clock, ms. */
  readonly now: () => number;
}

/** A swarm: coordinators of one `swarm_id` that block on each other. */
export interface SwarmShape {
  readonly swarmId: string;
  readonly coordinators: number;
}

/** The swarms of the demo. */
export const DEMO_SWARMS: readonly SwarmShape[] = [
  { swarmId: 'swarm-build', coordinators: 12 },
  { swarmId: 'swarm-review', coordinators: 8 },
  { swarmId: 'swarm-release', coordinators: 5 },
];

const PHASES = ['planning', 'implementing', 'reviewing', 'validating'] as const;
const SIGNAL_TYPES = ['completion', 'handoff', 'retry'] as const;

/** Shares of what goes wrong; high enough that every metric has a value within a minute. */
const LOST_ACK = 0.02;
const MISSED_HEARTBEAT = 0.04;
const DIES_OF_IT = 0.3;
const ENDS_AFTER_A_ROUND = 0.06;
const FAILS = 0.15;

/** How long a wait goes on before it times out. */
const WAIT_TIMEOUT_MS = 4_000;

/**
 * Runs the coordinators of a swarm until `stop` is aborted. Each lives through rounds: it changes its phase, signals some
 * others, waits for their ACKs and goes on; now and then an ACK is lost, a heartbeat is missed, or it ends and another
 * one takes its place.
 */
export async function simulateSwarm(shape: SwarmShape, world: SwarmWorld, stop: AbortSignal): Promise<void> {
  const { swarmId, coordinators } = shape;
  const ids = Array.from(
    { length: coordinators },
    (_, n) => `${swarmId.replace('swarm', 'coordinator')}-${n + 1}`,
  );
  await Promise.all(ids.map((id) => simulateCoordinator({ swarmId, id, others: ids, world }, stop)));
}

interface Seat {
  readonly swarmId: string;
  readonly id: string;
  readonly others: readonly string[];
  readonly world: SwarmWorld;
}

async function simulateCoordinator(seat: Seat, stop: AbortSignal): Promise<void> {
  const { world } = seat;
  await world.pause(world.random() * 2_000, stop);
  for (let round = 0; !stop.aborted;) {
    emit(seat, { type: 'coordinator.started', phase: PHASES[0] });
    for (let alive = true; alive && !stop.aborted; round++) {
      emit(seat, { type: 'coordinator.phase_changed', phase: pick(world, PHASES) });
      await world.pause(300 + world.random() * 2_500, stop);
      if (stop.aborted) return; // no burst of signals at the end
      await signalAndWait(seat, round, stop);
      alive = !(await missHeartbeat(seat, stop));
      if (alive && world.random() < ENDS_AFTER_A_ROUND) {
        emit(seat, { type: 'coordinator.stopped', reason: world.random() < FAILS ? 'failed' : 'completed' });
        alive = false;
      }
    }
    await world.pause(1_000 + world.random() * 3_000, stop);
  }
}

/** Signals one to four others and blocks until each has ACKed, or the time is up. */
async function signalAndWait(seat: Seat, round: number, stop: AbortSignal): Promise<void> {
  const { swarmId, id, others, world } = seat;
  const receivers = pickSome(
    world,
    others.filter((other) => other !== id),
  );
  const signal_type = pick(world, SIGNAL_TYPES);
  const wait_id = `${id}:${round}`;
  const startedMs = world.now();
  emit(seat, { type: 'wait.started', wait_id, timeout_ms: WAIT_TIMEOUT_MS, expected: receivers.length });
  const acknowledged = await Promise.all(
    receivers.map(async (receiver_id) => {
      const signal = {
        swarm_id: swarmId,
        sender_id: id,
        receiver_id,
        signal_type,
        signal_id: `${wait_id}:${receiver_id}`,
      };
      world.publish({ type: 'signal.sent', ...signal });
      const sentMs = world.now();
      if (world.random() < LOST_ACK) {
        await world.pause(WAIT_TIMEOUT_MS, stop);
        return false;
      }
      await world.pause(latencyMs(world), stop);
      if (stop.aborted) return false;
      world.publish({ type: 'signal.acked', ...signal, latency_ms: round3(world.now() - sentMs) });
      return true;
    }),
  );
  const missing = acknowledged.filter((arrived) => !arrived).length;
  const status = stop.aborted ? 'error' : missing > 0 ? 'timeout' : 'completed';
  emit(seat, { type: 'wait.finished', wait_id, status, duration_ms: round3(world.now() - startedMs) });
  if (status !== 'timeout') return;
  emit(seat, { type: 'timeout', timeout_type: 'blocking' });
  for (let n = 0; n < missing; n++) emit(seat, { type: 'timeout', timeout_type: 'signal_ack' });
}

/** Now and then a heartbeat is missed; true where the coordinator is given up for dead. */
async function missHeartbeat(seat: Seat, stop: AbortSignal): Promise<boolean> {
  const { world } = seat;
  if (world.random() >= MISSED_HEARTBEAT) return false;
  emit(seat, { type: 'heartbeat.stale', failure_type: world.random() < 0.8 ? 'stale' : 'missing' });
  await world.pause(2_000 + world.random() * 4_000, stop);
  if (stop.aborted) return false;
  if (world.random() >= DIES_OF_IT) {
    emit(seat, { type: 'heartbeat.recovered' });
    return false;
  }
  emit(seat, { type: 'heartbeat.stale', failure_type: 'timeout' });
  emit(seat, { type: 'timeout', timeout_type: 'heartbeat' });
  return true;
}

function emit(
  { swarmId, id, world }: Seat,
  event: { type: EventInput['type'] } & Record<string, string | number>,
): void {
  world.publish({ ...event, swarm_id: swarmId, coordinator_id: id } as EventInput);
}

/** Mostly tens of ms, sometimes a second: the product of chances has a long tail. */
function latencyMs({ random }: SwarmWorld): number {
  return 8 + 60 * random() + 2_500 * random() ** 6;
}

function round3(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function pick<T>({ random }: SwarmWorld, from: readonly [T, ...T[]]): T {
  return from[Math.floor(random() * from.length)] ?? from[0];
}

function pickSome({ random }: SwarmWorld, from: readonly string[]): string[] {
  const count = 1 + Math.floor(random() * 4);
  const left = [...from];
  return Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(Math.floor(random() * left.length), 1),
  ).flat();
}
