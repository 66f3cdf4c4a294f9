import { joinSwarm, type Coordinator } from '@streamfold/coordination';
import { Redis } from 'ioredis';

/** Two sides in this process, each on its own connections: one sends and waits for the ACK, one receives and ACKs. */
interface Sides {
  /** Sends one signal, and resolves when its ACK has arrived. */
  roundTrip(): Promise<void>;
  stop(): void;
}

export interface Contender {
  readonly name: string;
  readonly open: (url: string) => Promise<Sides>;
}

/**
 * The contenders. They send the same number of commands on the same connections: sender and receiver each have one
 * connection for commands and one for blocking reads.
 */
export const BARE: Contender = { name: 'bare commands', open: openBare };
export const CONTENDERS: readonly Contender[] = [
  BARE,
  { name: 'streamfold', open: (url) => openStreamfold(url) },
  {
    name: 'streamfold, signed',
    open: (url) => openStreamfold(url, [{ id: 'k1', secret: 'a secret of the bench alone' }]),
  },
];

const BLOCK_MS = 1_000;

/**
 * The least work with the same result: XADD to a stream that the receiver reads, XADD to one that the sender reads. In
 * between the sender sends three commands, as a wait does to begin, look and end. No group, no events, nothing remembered.
 */
async function openBare(url: string): Promise<Sides> {
  const [sender, senderReads, receiver, receiverReads] = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const redis = new Redis(url, { lazyConnect: true });
      await redis.connect();
      return redis;
    }),
  );
  if (!sender || !senderReads || !receiver || !receiverReads) throw new Error('expected four connections');
  let stopped = false;
  const waiting = new Map<string, () => void>();
  const follow = async (reads: Redis, key: string, found: (id: string) => void): Promise<void> => {
    for (let from = '0-0'; !stopped;) {
      const reply = await reads.xread('COUNT', 100, 'BLOCK', BLOCK_MS, 'STREAMS', key, from);
      for (const [entryId, [, id = '']] of reply?.[0]?.[1] ?? []) {
        from = entryId;
        found(id);
      }
    }
  };
  // Reads fail when the connections are closed.
  follow(receiverReads, 'inbox', (id) => void receiver.xadd('bell', '*', 'id', id)).catch(() => undefined);
  follow(senderReads, 'bell', (id) => waiting.get(id)?.()).catch(() => undefined);
  let sent = 0;
  return {
    async roundTrip() {
      const id = String(sent++);
      const acked = new Promise<void>((resolve) => void waiting.set(id, resolve));
      await sender.xadd('inbox', '*', 'id', id);
      await sender.get('wait');
      await sender.get('wait');
      await acked;
      await sender.get('wait');
      waiting.delete(id);
    },
    stop() {
      stopped = true;
      for (const redis of [sender, senderReads, receiver, receiverReads]) redis.disconnect();
    },
  };
}

async function openStreamfold(
  url: string,
  keys: readonly { id: string; secret: string }[] = [],
): Promise<Sides> {
  const join = (coordinatorId: string): Promise<Coordinator> =>
    joinSwarm({ url, swarmId: 'bench', coordinatorId, keys });
  const [sender, receiver] = await Promise.all([join('sender'), join('receiver')]);
  const stop = new AbortController();
  const receive = async (): Promise<void> => {
    for await (const signal of receiver.receiveSignals(stop.signal)) {
      void receiver.acknowledgeSignal(signal);
    }
  };
  void receive();
  return {
    async roundTrip() {
      const sent = await sender.sendSignal(['receiver'], 'bench');
      const { status } = await sender.waitForAcks(sent, { timeoutMs: 60_000 });
      if (status !== 'completed') throw new Error(`expected the wait to be completed; got ${status}`);
    },
    stop() {
      stop.abort();
      sender.disconnect();
      receiver.disconnect();
    },
  };
}
