import { openSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { joinSwarm, type Coordinator } from '@streamfold/coordination';
import { createRandom } from '../harness/generate-events.ts';

/**
 * Some coordinators of a swarm in one process, which signal each other until they get the message to stop. Each of them
 * logs what it is about to do and what it has done before it continues, so that a SIGKILL leaves a true account:
 *
 * ```
 * sending <signal> <receiver>,…       sent <signal>
 * received <signal> <receiver>        acked <signal> <receiver> <status of the ACK>
 * waited <signal> <status>            failed <coordinator> <error>
 * ```
 */
export interface SwarmProcessSettings {
  readonly url: string;
  readonly swarmId: string;
  readonly logFile: string;
  readonly seed: number;
  /** Coordinators of this process, and the receivers of the signals of each. */
  readonly peers: Readonly<Record<string, readonly string[]>>;
  readonly beatMs: number;
  readonly staleAfterMs: number;
  readonly deadAfterMs: number;
  /** Mean pause of a coordinator between two signals, ms. */
  readonly pauseMs: number;
  readonly waitMs: number;
}

/** Messages of the process to its parent: all coordinators beat; no more signals will be sent. */
export type SwarmProcessNews = 'beating' | 'silent';

/** Receivers of a signal, and the share of signals that have a wait. */
const RECEIVERS = 2;
const WAIT_EVERY = 3;

const settings = JSON.parse(process.argv[2] ?? '') as SwarmProcessSettings;
const log = openSync(settings.logFile, 'a');
let sending = true;

function note(...words: readonly string[]): void {
  writeSync(log, `${words.join(' ')}\n`);
}

function tell(news: SwarmProcessNews): void {
  process.send?.(news);
}

async function join(coordinatorId: string): Promise<Coordinator> {
  const { url, swarmId, beatMs, staleAfterMs, deadAfterMs } = settings;
  const coordinator = await joinSwarm({
    url,
    swarmId,
    coordinatorId,
    staleAfterMs,
    deadAfterMs,
    phase: 'load',
    observer: { ended: () => note('failed', coordinatorId, 'its life has ended') },
  });
  await coordinator.startHeartbeat({ intervalMs: beatMs }).beating;
  return coordinator;
}

async function receive(coordinator: Coordinator): Promise<void> {
  for await (const signal of coordinator.receiveSignals()) {
    note('received', signal.id, signal.receiverId);
    const { status } = await coordinator.acknowledgeSignal(signal);
    note('acked', signal.id, signal.receiverId, status);
  }
}

async function send(coordinator: Coordinator, random: () => number): Promise<void> {
  const { coordinatorId, life } = coordinator;
  const peers = settings.peers[coordinatorId] ?? [];
  for (let number = 0; ; number++) {
    await pause(random() * 2 * settings.pauseMs);
    if (!sending) return;
    const first = Math.floor(random() * peers.length);
    const to = Array.from({ length: RECEIVERS }, (_, at) => peers[(first + at) % peers.length] ?? '');
    const id = `${coordinatorId}.${life}.${number}`;
    note('sending', id, to.join(','));
    const sent = await coordinator.sendSignal(to, 'load', { id });
    note('sent', id);
    if (number % WAIT_EVERY !== 0) continue;
    const { status } = await coordinator.waitForAcks(sent, { timeoutMs: settings.waitMs });
    note('waited', id, status);
  }
}

process.on('disconnect', () => process.exit());
process.on('message', () => {
  sending = false;
});

const coordinators = await Promise.all(Object.keys(settings.peers).map(join));
tell('beating');
const failed = (coordinator: Coordinator) => (error: unknown) => {
  note('failed', coordinator.coordinatorId, String(error));
};
for (const coordinator of coordinators) void receive(coordinator).catch(failed(coordinator));
await Promise.all(
  coordinators.map((coordinator, at) =>
    send(coordinator, createRandom(settings.seed * 10_007 + at)).catch(failed(coordinator)),
  ),
);
tell('silent');
