import { toError } from '@streamfold/redis';
import type { Redis } from 'ioredis';
import type { EntriesParser } from './entries-parser.ts';

/**
 * Takes the replies to XREADGROUP off a connection before the client's own parser sees them. The client still does
 * everything else: it connects, authenticates, sends, and settles the promise of the command.
 */
export interface ReplyTap {
  /**
   * `send` sends one XREADGROUP, while no other command is under way on the connection. Its reply is given to `reply` as it
   * arrives; nothing is if there are no entries (nil).
   *
   * @throws what `send` throws: an error reply, or the loss of the connection. What was parsed until then is not all.
   */
  read(send: () => Promise<unknown>, reply: EntriesParser): Promise<void>;
}

type Socket = Redis['stream'];
type OnData = (chunk: Buffer) => void;

/** The client gets this in place of a reply that was taken: a null array. */
const TAKEN = Buffer.from('*-1\r\n');
const ASTERISK = 42;
const MINUS = 45;

/** The tap of one connection. It is attached again after each reconnect. */
export function createReplyTap(redis: Redis): ReplyTap {
  let tapped: Socket | undefined;
  let parser: EntriesParser | undefined;
  let head: Buffer | undefined;

  const intercept = (chunk: Buffer, forward: OnData): void => {
    if (parser === undefined) {
      forward(chunk);
      return;
    }
    const bytes = head === undefined ? chunk : Buffer.concat([head, chunk]);
    if (parser.untouched && bytes.length < 2) {
      head = bytes;
      return;
    }
    head = undefined;
    if (parser.untouched && (bytes[0] !== ASTERISK || bytes[1] === MINUS)) {
      parser = undefined; // an error or nil: the client knows best what to do with it
      forward(bytes);
      return;
    }
    const outcome = parser.push(bytes);
    if (!outcome.complete) return;
    parser = undefined;
    forward(outcome.rest.length === 0 ? TAKEN : Buffer.concat([TAKEN, outcome.rest]));
  };

  const put = (socket: Socket): void => {
    const listeners = socket.listeners('data') as OnData[];
    const forward: OnData = (chunk) => {
      for (const listener of listeners) listener.call(socket, chunk);
    };
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => {
      try {
        intercept(chunk, forward);
      } catch (error) {
        // Replies no longer match commands: only a new connection can repair that.
        socket.destroy(toError(error));
      }
    });
    tapped = socket;
  };

  return {
    async read(send, reply) {
      if (tapped !== redis.stream) put(redis.stream);
      head = undefined;
      parser = reply;
      try {
        await send();
      } finally {
        parser = undefined;
      }
    },
  };
}
