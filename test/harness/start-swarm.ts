import { randomUUID } from 'node:crypto';
import {
  callFunction,
  joinSwarm,
  stepMonitor,
  type Coordinator,
  type CoordinatorOptions,
  type FunctionName,
  type MonitorSettings,
  type MonitorStep,
  type ReceivedSignal,
} from '@streamfold/coordination';
import { readPublished, type PublishedEvent } from './read-published.ts';
import { nextPrefix, type TestRedis } from './start-redis.ts';

/** A swarm of coordinators on shard 0 of a prefix, with everything that tests need. */
export interface TestSwarm {
  readonly prefix: string;
  readonly swarmId: string;
  /** Joins a coordinator with that id; without heartbeats by default. Options such as the port can be set. */
  join(coordinatorId: string, options?: Partial<CoordinatorOptions>): Promise<Coordinator>;
  /** The key of that name, `<prefix>:{0}:<name>`. */
  key(name: string): string;
  /** All events of the stream, or those of one type. */
  events(type?: string): Promise<PublishedEvent[]>;
  /** Calls a function by name, as a client in any language would. */
  call(name: FunctionName, ...args: (string | number)[]): Promise<unknown>;
  /** Makes one step of a monitor, without a grace period by default. */
  step(settings?: Partial<MonitorSettings>): Promise<MonitorStep>;
  /** Closes all connections of the coordinators, as a crash would. */
  disconnect(): void;
}

/** Opens a new swarm on a server; `join` adds coordinators. */
export function startSwarm(server: TestRedis, prefix: string): TestSwarm {
  const coordinators: Coordinator[] = [];
  const swarmId = `swarm-${randomUUID().slice(0, 8)}`;
  const key = (name: string): string => `${prefix}:{0}:${name}`;
  return {
    prefix,
    swarmId,
    key,
    async join(coordinatorId, options = {}) {
      const defaults = { url: server.url, prefix, swarmId, coordinatorId, staleAfterMs: 0 };
      const coordinator = await joinSwarm({ ...defaults, ...options });
      coordinators.push(coordinator);
      return coordinator;
    },
    async events(type) {
      const events = await readPublished(server.redis, { prefix });
      return events.filter((event) => type === undefined || event['type'] === type);
    },
    call: (name, ...args) => callFunction(server.redis, name, [key('events'), ...args]),
    step: (settings = {}) =>
      stepMonitor(
        server.redis,
        { prefix, shard: 0 },
        { limit: 100, outageMs: 60_000, graceMs: 0, ...settings },
      ),
    disconnect() {
      for (const coordinator of coordinators) coordinator.disconnect();
    },
  };
}

/** Runs `body` with a new swarm, and closes all connections of its coordinators. */
export async function withSwarm(server: TestRedis, body: (swarm: TestSwarm) => Promise<void>): Promise<void> {
  const swarm = startSwarm(server, nextPrefix());
  try {
    await body(swarm);
  } finally {
    swarm.disconnect();
  }
}

/** Receives the next `count` signals of a coordinator, and stops reading. They are not settled. */
export async function takeSignals(coordinator: Coordinator, count: number): Promise<ReceivedSignal[]> {
  const signals: ReceivedSignal[] = [];
  if (count === 0) return signals;
  for await (const signal of coordinator.receiveSignals()) {
    signals.push(signal);
    if (signals.length === count) break;
  }
  return signals;
}
