// A coordinator in a process whose clock is off: it answers one signal, sends one and waits for its ACK, then lets a wait time
// out, and leaves. It prints its clock, so that the test can check that it was off.
import { joinSwarm } from '@streamfold/coordination';

const [url = '', prefix = '', coordinatorId = '', other = ''] = process.argv.slice(2);
const coordinator = await joinSwarm({ url, prefix, swarmId: 'clocks', coordinatorId, staleAfterMs: 600_000 });
await coordinator.startHeartbeat({ intervalMs: 20 }).beating;
const sent = await coordinator.sendSignal([other], 'plan');
const waiting = coordinator.waitForAcks(sent, { timeoutMs: 20_000 });
for await (const signal of coordinator.receiveSignals()) {
  await coordinator.acknowledgeSignal(signal);
  break;
}
await waiting;
const unheard = await coordinator.sendSignal(['nobody'], 'plan');
await coordinator.waitForAcks(unheard, { timeoutMs: 50 });
console.log(Date.now(), new Date().getTime());
await coordinator.leave();
