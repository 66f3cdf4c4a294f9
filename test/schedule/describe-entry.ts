import type { EntryKind } from './folding-steps.ts';

/**
 * The fields of an entry. An event with its own number has its own series, which shows if it is counted twice; `life` is
 * about three coordinators, in any order.
 */
export function describeEntry(kind: EntryKind, number: number, salt: number): readonly string[] {
  switch (kind) {
    case 'flat':
      return Object.entries(signalSent(`n${number}`)).flat();
    case 'many':
      return [
        'events',
        JSON.stringify([signalSent(`n${number}`), lifeEvent(salt), signalSent(`m${number}`)]),
      ];
    case 'bad':
      return ['type', 'no.such_type', 'swarm_id', 's', 'n', String(number)];
    case 'life':
      return Object.entries(lifeEvent(salt)).flat();
  }
}

function signalSent(type: string): Readonly<Record<string, string>> {
  return { type: 'signal.sent', swarm_id: 's', sender_id: 'a', receiver_id: 'b', signal_type: type };
}

/** One of a few hundred events, by number. */
function lifeEvent(salt: number): Readonly<Record<string, string>> {
  const life = { swarm_id: 's', coordinator_id: `k${salt % 3}` };
  const wait_id = `w${Math.floor(salt / 3) % 3}`;
  switch (Math.floor(salt / 9) % 8) {
    case 0:
    case 1:
      return { type: 'coordinator.started', ...life, phase: 'planning' };
    case 2:
      return { type: 'coordinator.phase_changed', ...life, phase: `p${wait_id}` };
    case 3:
      return { type: 'coordinator.stopped', ...life };
    case 4:
      return { type: 'wait.started', ...life, wait_id };
    case 5:
      return { type: 'wait.finished', ...life, wait_id, status: 'completed', duration_ms: `${salt}` };
    case 6:
      return { type: 'heartbeat.stale', ...life };
    default:
      return { type: 'heartbeat.recovered', ...life };
  }
}
