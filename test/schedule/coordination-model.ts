/** The replies that programs got, and what must follow from them. It goes back with Redis. */
export interface SwarmModel {
  /** The life of each live coordinator. */
  readonly lives: Map<string, string>;
  /** The token of each life that has one. */
  readonly tokens: Map<string, string>;
  /** Signals delivered and not settled, as `<signal> <receiver>`: each in one inbox. */
  readonly unsettled: Set<string>;
  /** ACKs that were recorded, as `<signal> <receiver>`. */
  readonly acked: Set<string>;
  /** Sent signals: sender and receivers. */
  readonly sent: Map<string, { readonly sender: string; readonly receivers: readonly string[] }>;
  /** Open pieces of work, by payload: each belongs to one coordinator. */
  readonly work: Set<string>;
}

export function emptySwarm(): SwarmModel {
  return {
    lives: new Map(),
    tokens: new Map(),
    unsettled: new Set(),
    acked: new Set(),
    sent: new Map(),
    work: new Set(),
  };
}

/** A model that shares nothing with this one. */
export function copySwarm({ lives, tokens, unsettled, acked, sent, work }: SwarmModel): SwarmModel {
  return {
    lives: new Map(lives),
    tokens: new Map(tokens),
    unsettled: new Set(unsettled),
    acked: new Set(acked),
    sent: new Map(sent),
    work: new Set(work),
  };
}

/** A coordinator as its events describe it. */
interface ToldCoordinator {
  phase: string;
  stale: boolean;
  readonly waits: Set<string>;
}

/** The state that the events of a swarm describe, read one after the other; and their contradictions. */
export interface ToldSwarm {
  readonly alive: Map<string, ToldCoordinator>;
  /** As `<signal> <receiver>`: how often. */
  readonly sent: Map<string, number>;
  readonly acked: Map<string, number>;
  readonly contradictions: string[];
}

export type SwarmEvent = Readonly<Record<string, string>>;

/** Reads the events and expects each fact once, and in an order that makes sense. */
export function readEvents(events: Iterable<SwarmEvent>): ToldSwarm {
  const told: ToldSwarm = { alive: new Map(), sent: new Map(), acked: new Map(), contradictions: [] };
  for (const event of events) readEvent(told, event);
  return told;
}

function readEvent(told: ToldSwarm, event: SwarmEvent): void {
  const { type = '', coordinator_id: id = '', wait_id: wait = '' } = event;
  const of = told.alive.get(id);
  const contradict = (why: string): void => void told.contradictions.push(`${why}: ${JSON.stringify(event)}`);
  switch (type) {
    case 'coordinator.started':
      if ((of?.waits.size ?? 0) > 0) contradict('a new life, and waits of the last one are open');
      told.alive.set(id, { phase: event['phase'] ?? 'unknown', stale: false, waits: new Set() });
      return;
    case 'signal.sent':
      return count(told.sent, `${event['signal_id']} ${event['receiver_id']}`);
    case 'signal.acked':
      return count(told.acked, `${event['signal_id']} ${event['receiver_id']}`);
    case 'signal.rejected':
    case 'cleanup.removed':
    case 'cleanup.refused':
      return;
  }
  if (of === undefined) return contradict('an event about a coordinator that is not alive');
  switch (type) {
    case 'coordinator.phase_changed':
      if (of.phase === event['phase']) contradict('the phase was the same');
      of.phase = event['phase'] ?? '';
      return;
    case 'coordinator.stopped':
      if (of.waits.size > 0) contradict('it stopped, and waits of it are open');
      told.alive.delete(id);
      return;
    case 'wait.started':
      if (of.waits.has(wait)) contradict('the wait was open');
      of.waits.add(wait);
      return;
    case 'wait.finished':
      if (!of.waits.delete(wait)) contradict('the wait was not open');
      return;
    case 'heartbeat.stale':
      if (event['failure_type'] === 'timeout' ? !of.stale : of.stale) contradict('the episode was known');
      of.stale = true;
      return;
    case 'heartbeat.recovered':
      if (!of.stale) contradict('there was no episode');
      of.stale = false;
      return;
    case 'timeout':
      if (event['timeout_type'] !== 'heartbeat') return;
      if (of.waits.size > 0) contradict('it is dead, and waits of it are open');
      told.alive.delete(id);
      return;
    default:
      contradict('an unknown type');
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
