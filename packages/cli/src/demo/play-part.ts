import { setMaxListeners } from 'node:events';
import {
  CoordinationError,
  joinSwarm,
  type Coordinator,
  type ReceivedSignal,
} from '@streamfold/coordination';
import type { Installation } from '@streamfold/redis';
import type { Part } from './cast.ts';
import { firstAbort } from './first-abort.ts';

/** What a part needs from its environment. */
export interface Stage extends Installation {
  readonly redisUrl: string;
  /** Waits `ms` milliseconds, or until `stop` is aborted. */
  readonly pause: (ms: number, stop: AbortSignal) => Promise<void>;
  /** Evenly distributed in [0, 1). */
  readonly random: () => number;
}

/** Deadlines of the demo: short, so that a minute shows everything. */
const BEAT_MS = 1_000;
const STALE_AFTER_MS = 4_000;
const DEAD_AFTER_MS = 9_000;
const WAIT_TIMEOUT_MS = 4_000;
/** A flaky one is silent for longer than its deadline. */
const SILENT_MS = 6_500;

const PHASES = ['planning', 'implementing', 'reviewing', 'validating'] as const;
const SIGNAL_TYPES = ['completion', 'handoff', 'retry'] as const;

/** Probabilities of failures. */
const FALLS_SILENT = 0.25;
const LEAVES = 0.05;
const FAILS = 0.15;

/** Runs one life after the other in a swarm, until `stop` is aborted. */
export async function playPart(part: Part, stage: Stage, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const { redisUrl: url, prefix, shards, pause, random } = stage;
    const { swarmId, coordinatorId } = part;
    const coordinator = await joinSwarm({
      redisUrl: url,
      prefix,
      shards,
      swarmId,
      coordinatorId,
      phase: PHASES[0],
      staleAfterMs: STALE_AFTER_MS,
      deadAfterMs: DEAD_AFTER_MS,
    });
    const over = new AbortController();
    const ended = firstAbort(stop, over.signal);
    setMaxListeners(0, ended); // every answer in progress adds a listener
    try {
      await Promise.race([
        answer(coordinator, { part, stage }, ended),
        act(coordinator, { part, stage }, ended),
      ]);
      await coordinator.leave(random() < FAILS ? 'failed' : 'completed');
    } catch (error) {
      if (!(error instanceof CoordinationError && error.reason === 'ended') && !stop.aborted) throw error;
    } finally {
      over.abort();
      coordinator.disconnect();
    }
    await pause(1_000 + random() * 3_000, stop);
  }
}

interface Role {
  readonly part: Part;
  readonly stage: Stage;
}

/** Answers each signal after its own delay: a slow answer does not hold up the others. */
async function answer(coordinator: Coordinator, role: Role, ended: AbortSignal): Promise<void> {
  const answers = new Set<Promise<void>>();
  for await (const signal of coordinator.receiveSignals(ended)) {
    const answering = answerOne(coordinator, signal, { role, ended });
    answers.add(answering);
    // If Redis is unreachable for too long, the answer fails and its signal stays unsettled: it is delivered again in the next life.
    void answering.catch(() => undefined).then(() => answers.delete(answering));
  }
  await Promise.allSettled(answers);
}

async function answerOne(
  coordinator: Coordinator,
  signal: ReceivedSignal,
  { role, ended }: { role: Role; ended: AbortSignal },
): Promise<void> {
  const { pause, random } = role.stage;
  // Mostly tens of ms, sometimes a second: the product of random numbers has a long tail.
  const latencyMs = 5 + 60 * random() + 1_500 * random() ** 6;
  await pause(role.part.temper === 'slow' ? latencyMs + 5_000 * random() ** 2 : latencyMs, ended);
  if (ended.aborted) return; // not settled: it is delivered again in the next life
  if (random() < role.part.lostAckShare) await coordinator.settleSignal(signal);
  else await coordinator.acknowledgeSignal(signal);
}

/** Repeats rounds: changes its phase, signals some others, blocks until they have ACKed. */
async function act(coordinator: Coordinator, { part, stage }: Role, ended: AbortSignal): Promise<void> {
  const { pause, random } = stage;
  let heartbeat = coordinator.startHeartbeat({ intervalMs: BEAT_MS });
  await heartbeat.beating;
  for (let iteration = 1; !ended.aborted; iteration++) {
    await coordinator.changePhase(pick(random, PHASES));
    await pause(300 + random() * 2_000, ended);
    if (ended.aborted) return;
    const others = part.crew.filter((id) => id !== part.coordinatorId && random() < 0.6);
    if (others.length > 0) {
      const sent = await coordinator.sendSignal(others, pick(random, SIGNAL_TYPES), { iteration });
      await coordinator.waitForAcks(sent, { timeoutMs: WAIT_TIMEOUT_MS, signal: ended });
    }
    if (part.temper === 'flaky' && random() < FALLS_SILENT) {
      heartbeat.stop();
      await pause(SILENT_MS, ended);
      heartbeat = coordinator.startHeartbeat({ intervalMs: BEAT_MS });
    }
    if (random() < LEAVES) return;
  }
}

function pick<T>(random: () => number, from: readonly [T, ...T[]]): T {
  return from[Math.floor(random() * from.length)] ?? from[0];
}
