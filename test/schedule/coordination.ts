import { cleanUp, ensureLibrary, stepMonitor } from '@streamfold/coordination';
import { checkSwarm, readCoordinators } from './check-swarm.ts';
import {
  acknowledge,
  acknowledgeAgain,
  finishWait,
  sendSignal,
  settleSignal,
  startWait,
} from './signal-steps.ts';
import { drawCoordinationStep, type CoordinationStep } from './coordination-steps.ts';
import type { Laboratory } from './laboratory.ts';
import { changePhase, beat, join, listWork, openWork, finishWork, stop, takeOver } from './life-steps.ts';
import { expectSame, ScheduleError, type Subject } from './subject.ts';
import {
  BASE,
  beginSwarm,
  EVENTS,
  goBackSwarm,
  keepSwarm,
  PREFIX,
  readSwarmEvents,
  refuse,
  type SwarmRun,
} from './swarm-run.ts';

/** A longer pause between steps of a monitor is an outage; then nothing is overdue for the grace period. */
const OUTAGE_MS = 3_000;
const GRACE_MS = 500;
const CLEAN_UP_AFTER_MS = 1_000;

/** Three coordinators of one swarm, each of which may be restarted at any time, and monitors. */
export function createCoordination(laboratory: Laboratory): Subject<CoordinationStep> {
  return {
    name: 'coordination',
    draw: drawCoordinationStep,
    async open() {
      await laboratory.reset();
      await ensureLibrary(laboratory.product);
      const run = beginSwarm(laboratory);
      return {
        take: (step) => takeCoordinationStep(run, step),
        check: () => checkSwarm(run),
        settle: () => settleSwarm(run),
      };
    },
  };
}

async function takeCoordinationStep(run: SwarmRun, step: CoordinationStep): Promise<void> {
  switch (step.do) {
    case 'join':
      return join(run, step);
    case 'beat':
      return beat(run, step);
    case 'changePhase':
      return changePhase(run, step);
    case 'stop':
      return stop(run, step);
    case 'send':
      return sendSignal(run, step);
    case 'acknowledge':
      return acknowledge(run, step);
    case 'acknowledgeAgain':
      return acknowledgeAgain(run, step);
    case 'settleSignal':
      return settleSignal(run, step);
    case 'startWait':
      return startWait(run, step);
    case 'finishWait':
      return finishWait(run, step);
    case 'openWork':
      return openWork(run, step);
    case 'finishWork':
      return finishWork(run, step);
    case 'listWork':
      return listWork(run, step);
    case 'takeOver':
      return takeOver(run, step);
    case 'monitor':
      return monitor(run, step.limit);
    case 'cleanUp':
      return clean(run);
    case 'keep':
      return keepSwarm(run, step.slot);
    case 'goBack':
      await goBackSwarm(run, step.slot);
      if (run.strain !== 'exhausted') await relent(run);
      return;
    case 'moveClock':
      return run.laboratory.moveClock(step.ms);
    case 'deny':
      if (run.strain === 'exhausted') return;
      run.strain = 'denied';
      return run.laboratory.deny(step.command);
    case 'allow':
      if (run.strain === 'denied') run.strain = 'none';
      return run.laboratory.allow();
    case 'exhaust':
      if (run.strain === 'denied') return;
      run.strain = 'exhausted';
      return exhaust(run);
    case 'relent':
      if (run.strain === 'exhausted') run.strain = 'none';
      return relent(run);
  }
}

/** A monitor may find coordinators dead: their events say so. It never waits for longer than the grace period. */
async function monitor(run: SwarmRun, limit: number): Promise<void> {
  const settings = { limit, outageMs: OUTAGE_MS, graceMs: GRACE_MS };
  const { product, admin } = run.laboratory;
  const step = await refuse(admin, 'step of a monitor', () =>
    stepMonitor(product, { prefix: PREFIX, shard: 0 }, settings),
  );
  if (step !== undefined && step.graceLeftMs > GRACE_MS)
    throw new ScheduleError(`grace that is left: expected at most ${GRACE_MS} ms; got ${step.graceLeftMs}`);
  const { alive } = await readSwarmEvents(run);
  let dead = 0;
  for (const id of run.model.lives.keys()) if (!alive.has(id) && run.model.lives.delete(id)) dead += 1;
  if (step !== undefined) expectSame('coordinators found dead', step.dead, dead);
}

async function clean(run: SwarmRun): Promise<void> {
  const { product, admin } = run.laboratory;
  const options = { endedForMs: CLEAN_UP_AFTER_MS, dryRun: false };
  await refuse(admin, 'clean-up', async () => {
    for await (const { coordinatorId, verdict } of cleanUp(product, { prefix: PREFIX, shard: 0 }, options)) {
      if (verdict !== 'removed') continue;
      for (const name of run.model.tokens.keys())
        if (name.startsWith(`${coordinatorId} `)) run.model.tokens.delete(name);
    }
  });
}

const LAST_ID = '18446744073709551615-18446744073709551615';

async function exhaust({ laboratory: { admin } }: SwarmRun): Promise<void> {
  if ((await admin.exists(EVENTS)) === 1) await admin.call('xsetid', [EVENTS, LAST_ID]);
}

async function relent({ laboratory: { admin } }: SwarmRun): Promise<void> {
  if ((await admin.exists(EVENTS)) === 0) return;
  const [last] = await admin.xrevrange(EVENTS, '+', '-', 'COUNT', 1);
  await admin.call('xsetid', [EVENTS, last?.[0] ?? '0-1']);
}

/** Steps of monitors until the longest time-out is over, including the grace period after each outage. */
const SETTLING_STEPS = 60;
const SETTLING_PAUSES_MS = [3_600_000, 400, 400, 400, 400, 400, 400, 400, 400, 400];

/** No coordinator beats or waits any longer: everything with a deadline comes to its end. */
async function settleSwarm(run: SwarmRun): Promise<void> {
  const { admin } = run.laboratory;
  await run.laboratory.allow();
  await relent(run);
  for (let at = 0; at < SETTLING_STEPS; at++) {
    run.laboratory.moveClock(SETTLING_PAUSES_MS[at % SETTLING_PAUSES_MS.length] ?? 0);
    await monitor(run, 100);
  }
  await checkSwarm(run);
  for (const { id, record } of await readCoordinators(run)) {
    if (record['stale_after_ms'] !== '0')
      expectSame(`life of ${id} after its last beat`, run.model.lives.get(id), undefined);
  }
  expectSame('coordinators that are overdue', await admin.zrange(`${BASE}heartbeats`, 0, -1), []);
  expectSame('waits and signals that are overdue', await admin.zrange(`${BASE}deadlines`, 0, -1), []);
}
