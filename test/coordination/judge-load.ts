import type { TimedEvent } from './read-entries.ts';

/** The results of a load, from the notes of the coordinators and from the stream. All lists are empty if there is no fault. */
export interface Verdict {
  /** Signals to receivers that were alive at the end, counted per receiver; and the numbers delivered and ACKed. */
  readonly due: number;
  readonly acked: number;
  /** `<signal> <receiver>` without an ACK. */
  readonly missing: readonly string[];
  /** `signal.sent` or `signal.acked` more than once for one signal and receiver. */
  readonly twice: readonly string[];
  /** Recorded ACKs without an event, and events of signals that no coordinator noted. */
  readonly contradictions: readonly string[];
  /** Waits that did not start and finish exactly once. */
  readonly brokenWaits: readonly string[];
  /** The numbers of waits that completed, timed out, and ended as errors. */
  readonly waits: Readonly<Record<string, number>>;
  /** Errors of coordinators. */
  readonly failures: readonly string[];
  /** For each coordinator: its `heartbeat.stale` and `timeout` of type `heartbeat`, in order. */
  readonly episodes: ReadonlyMap<string, readonly Episode[]>;
}

export interface Episode {
  readonly what: string;
  readonly atMs: number;
}

/** Compares the notes of all processes with the events. `dead`: coordinators that were not alive at the end. */
export function judgeLoad(
  notes: readonly (readonly string[])[],
  events: readonly TimedEvent[],
  dead: ReadonlySet<string>,
): Verdict {
  const counts = countEvents(events);
  const contradictions: string[] = [];
  const failures: string[] = [];
  const missing: string[] = [];
  const intended = new Set<string>();
  const receiversOf = new Map<string, readonly string[]>();
  let due = 0;
  for (const lines of notes) {
    for (const line of lines) {
      const [what = '', signal = '', receivers = ''] = line.split(' ');
      if (what === 'failed') failures.push(line);
      if (what === 'sending') {
        receiversOf.set(signal, receivers.split(','));
        for (const receiver of receivers.split(',')) intended.add(`${signal} ${receiver}`);
      }
      if (what === 'sent') {
        for (const receiver of receiversOf.get(signal) ?? []) {
          const pair = `${signal} ${receiver}`;
          if (counts.sent.get(pair) !== 1) contradictions.push(`sent, by its sender: ${pair}`);
          if (dead.has(receiver)) continue;
          due++;
          if (!counts.acked.has(pair)) missing.push(pair);
        }
      }
      if (what === 'acked' && !counts.acked.has(`${signal} ${receivers}`)) contradictions.push(line);
    }
  }
  for (const pair of counts.sent.keys()) {
    if (!intended.has(pair)) contradictions.push(`an event, and nobody was about to send it: ${pair}`);
  }
  const twice = [...counts.sent, ...counts.acked].filter(([, count]) => count > 1).map(([pair]) => pair);
  const { brokenWaits, waits, episodes } = counts;
  return {
    due,
    acked: due - missing.length,
    missing,
    twice,
    contradictions,
    brokenWaits,
    waits,
    failures,
    episodes,
  };
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function countEvents(events: readonly TimedEvent[]) {
  const sent = new Map<string, number>();
  const acked = new Map<string, number>();
  const started = new Map<string, number>();
  const finished = new Map<string, number>();
  const waits: Record<string, number> = {};
  const episodes = new Map<string, Episode[]>();
  for (const { fields, atMs } of events) {
    const read = (name: string): string => String(fields[name] ?? '');
    const pair = `${read('signal_id')} ${read('receiver_id')}`;
    const what = `${read('type')} ${read('failure_type') || read('timeout_type')}`;
    if (what === 'signal.sent ') add(sent, pair);
    if (what === 'signal.acked ') add(acked, pair);
    if (what === 'wait.started ') add(started, read('wait_id'));
    if (what === 'wait.finished ') {
      add(finished, read('wait_id'));
      waits[read('status')] = (waits[read('status')] ?? 0) + 1;
    }
    if (read('type') === 'heartbeat.stale' || what === 'timeout heartbeat') {
      const coordinator = episodes.get(read('coordinator_id')) ?? [];
      coordinator.push({ what, atMs });
      episodes.set(read('coordinator_id'), coordinator);
    }
  }
  const all = new Set([...started.keys(), ...finished.keys()]);
  const brokenWaits = [...all].filter((id) => started.get(id) !== 1 || finished.get(id) !== 1);
  return { sent, acked, waits, brokenWaits, episodes };
}
