// Three coordinators block on each other; one of them is killed, and another takes over its work.
//
//   node examples/three-coordinators.mjs redis://127.0.0.1:6379
//
// If an aggregator runs (npx streamfold serve), its monitor finds the dead one. This example also steps a monitor itself, so
// that it works without one: whichever is first, the record of Cyd says so.
import { setTimeout as sleep } from 'node:timers/promises';
import { joinSwarm, stepMonitor } from '@streamfold/coordination';
import { connectRedis, whenReady } from '@streamfold/redis';

const url = process.argv[2] ?? 'redis://127.0.0.1:6379';
const deadlines = { staleAfterMs: 500, deadAfterMs: 1_000 };
const join = (coordinatorId) =>
  joinSwarm({ redisUrl: url, swarmId: 'example', coordinatorId, phase: 'planning', ...deadlines });
const [ada, ben, cyd] = await Promise.all(['ada', 'ben', 'cyd'].map(join));
for (const each of [ada, ben, cyd]) await each.startHeartbeat({ intervalMs: 100 }).beating;

// Ben and Cyd answer what comes.
const stop = new AbortController();
for (const each of [ben, cyd]) void answer(each);
async function answer(coordinator) {
  for await (const signal of coordinator.receiveSignals(stop.signal)) {
    const { latencyMs } = await coordinator.acknowledgeSignal(signal);
    const forWhom = signal.receiverId === coordinator.coordinatorId ? '' : ` for ${signal.receiverId}`;
    console.log(`${coordinator.coordinatorId} ACKs "${signal.payload}"${forWhom} after ${latencyMs} ms`);
  }
}

// Ada sends a signal to both, and blocks until they have ACKed.
const sent = await ada.sendSignal(['ben', 'cyd'], 'completion', { payload: 'plan is ready' });
const wait = await ada.waitForAcks(sent, { timeoutMs: 5_000 });
console.log(`ada waited ${wait.durationMs} ms: ${wait.status}, ACKed by ${wait.acked.join(' and ')}`);

// Cyd is killed in the middle of its work. A monitor notices; Ada's wait for it times out, and Ben takes over.
await cyd.openWork('report-7', 'half written');
cyd.disconnect();
console.log('cyd is gone');
const monitor = connectRedis(url, { name: 'example', commandTimeoutMs: 5_000 });
void monitor.connect();
await whenReady(monitor, 5_000);
const cydKey = 'streamfold:{0}:coordinator:example|cyd';
while ((await monitor.hget(cydKey, 'state')) !== 'dead') {
  await stepMonitor(
    monitor,
    { prefix: 'streamfold', shard: 0 },
    { limit: 100, outageMs: 10_000, graceMs: 0 },
  );
  await sleep(50);
}
const second = await ada.sendSignal(['ben', 'cyd'], 'completion', {
  payload: 'report, please',
  iteration: 1,
});
const { status, missing } = await ada.waitForAcks(second, { timeoutMs: 300 });
console.log(`ada waited for the report: ${status}, ${missing.join(' and ')} did not ACK`);
const { work, signals } = await ben.takeOver('cyd');
console.log(`ben takes over ${work} piece of work and ${signals} signal of cyd's`);
for (const piece of await ben.listWork())
  console.log(`ben has ${piece.workId} from ${piece.transferredFrom}`);

// Ben has ACKed in the name of Cyd: the signal is complete after all.
const third = await ada.waitForAcks(second, { timeoutMs: 5_000 });
console.log(`ada waited again: ${third.status}, ACKed by ${third.acked.join(' and ')}`);

await ben.finishWork('report-7');
stop.abort();
await Promise.all([ada.leave(), ben.leave()]);
monitor.disconnect();
