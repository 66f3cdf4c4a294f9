/** The fields of an event as published. */
export type WireEvent = Readonly<Record<string, string>>;

/** Evenly distributed in [0, 1), always the same sequence for the same seed. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const BAD_EVENTS: readonly WireEvent[] = [
  { swarm_id: 's1', note: 'no type' },
  { type: 'no.such_type', swarm_id: 's1' },
  { type: 'signal.sent', v: '9', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'x' },
  { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b' },
  {
    type: 'signal.acked',
    swarm_id: 's1',
    sender_id: 'a',
    receiver_id: 'b',
    signal_type: 'x',
    latency_ms: '-1',
  },
  { type: 'timeout', swarm_id: 's1', coordinator_id: 'quote"backslash\\newline\n', timeout_type: 'blocking' },
];

/**
 * Events of all types, about a few coordinators so that lives, waits and episodes overlap; one in a hundred is bad if
 * `bad` is set. The same events for the same seed.
 */
export function* generateEvents(
  count: number,
  { seed, bad = false, coordinators = 20 }: { seed: number; bad?: boolean; coordinators?: number },
): Generator<WireEvent> {
  const random = createRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  for (let number = 0; number < count; number++) {
    if (bad && below(100) === 0) yield BAD_EVENTS[below(BAD_EVENTS.length)] ?? {};
    else yield generateEvent(below, coordinators);
  }
}

function generateEvent(below: (n: number) => number, coordinators: number): WireEvent {
  const pick = (...words: [string, ...string[]]): string => words[below(words.length)] ?? words[0];
  const swarm_id = `s${below(4)}`;
  const life = { swarm_id, coordinator_id: `c${below(coordinators)}` };
  const signal = {
    swarm_id,
    sender_id: `c${below(coordinators)}`,
    receiver_id: `c${below(coordinators)}`,
    signal_type: pick('completion', 'handoff', 'retry'),
  };
  const phase = pick('planning', 'implementing', 'reviewing');
  const wait_id = `w${below(5)}`;
  const ms = `${below(3_000)}.${below(10_000)}`;
  switch (below(16)) {
    case 0:
      return { type: 'coordinator.started', ...life, ...(below(2) === 0 ? { phase } : {}) };
    case 1:
      return { type: 'coordinator.phase_changed', ...life, phase };
    case 2:
      return { type: 'coordinator.stopped', ...life, reason: pick('completed', 'failed', 'terminated') };
    case 3:
    case 4:
      return { type: 'wait.started', ...life, wait_id, ...(below(3) === 0 ? { phase } : {}), timeout_ms: ms };
    case 5:
    case 6: {
      const status = pick('completed', 'timeout', 'error');
      return {
        type: 'wait.finished',
        ...life,
        status,
        duration_ms: ms,
        ...(below(4) === 0 ? {} : { wait_id }),
      };
    }
    case 7:
      return { type: 'heartbeat.stale', ...life, failure_type: pick('stale', 'missing', 'timeout') };
    case 8:
      return { type: 'heartbeat.recovered', ...life };
    case 9:
      return { type: 'timeout', ...life, timeout_type: pick('blocking', 'signal_ack', 'heartbeat') };
    case 10:
    case 11:
    case 12:
      return { type: 'signal.sent', ...signal };
    default:
      return { type: 'signal.acked', ...signal, latency_ms: ms };
  }
}
