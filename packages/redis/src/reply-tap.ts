import type { Redis } from 'ioredis';
import { toError } from './to-error.ts';

/** Reads one reply, chunk by chunk as it arrives. */
export interface ReplyParser {
  /** @throws {Error} if the bytes are not the expected reply. */
  push(chunk: Buffer): ParseOutcome;
  /** True until the first chunk has arrived. */
  readonly untouched: boolean;
}

/** The result of a chunk: more is needed, or the reply is complete and `rest` follows it. */
export type ParseOutcome = { readonly complete: false } | { readonly complete: true; readonly rest: Buffer };

/**
 * Takes arrays of entries (replies to XREADGROUP and XRANGE) off a connection before the client's own parser sees them. The
 * client still does everything else: it connects, authenticates, sends, and settles the promise of the command.
 */
export interface ReplyTap {
  /**
   * `send` sends a command while no other is under way on the connection. Its reply is given to `reply` as it arrives; a
   * null array or an error is not. The client reads the replies to what `send` sends after it.
   *
   * @throws what `send` throws: an error reply, or the loss of the connection. What was parsed until then is not all.
   */
  read(send: () => Promise<unknown>, reply: ReplyParser): Promise<void>;
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
  let parser: ReplyParser | undefined;
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
