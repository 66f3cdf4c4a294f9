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
   * `send` sends a command on the connection, on which only commands of reads are under way. Its reply is given to `reply`
   * as it arrives; a null array or an error is not. Further reads may be sent meanwhile: their replies come after it. What
   * `send` itself sends after its command, the client reads, if nothing else is sent until the replies have come.
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
const LINE_END = '\r\n';

/** The tap of one connection. It is attached again after each reconnect. */
export function createReplyTap(redis: Redis): ReplyTap {
  let tapped: TappedSocket | undefined;
  return {
    async read(send, reply) {
      if (tapped?.socket !== redis.stream) tapped = tapSocket(redis.stream);
      const { socket, expected } = tapped;
      expected.push(reply);
      try {
        await send();
      } finally {
        const at = expected.indexOf(reply);
        if (at !== -1) {
          expected.splice(at, 1);
          // It was sent, and its reply may still come: the next one would be taken for it.
          if (redis.stream === socket && redis.status === 'ready') socket.destroy();
        }
      }
    },
  };
}

interface TappedSocket {
  readonly socket: Socket;
  /** The replies that are still to come, or to be completed, in their order. */
  readonly expected: ReplyParser[];
}

function tapSocket(socket: Socket): TappedSocket {
  const expected: ReplyParser[] = [];
  const listeners = socket.listeners('data') as OnData[];
  const forward = (chunk: Buffer): void => {
    if (chunk.length > 0) for (const listener of listeners) listener.call(socket, chunk);
  };
  /** The beginning of a reply that does not yet show what it is. */
  let head: Buffer | undefined;

  const intercept = (chunk: Buffer): void => {
    let bytes = head === undefined ? chunk : Buffer.concat([head, chunk]);
    head = undefined;
    for (let reply = expected[0]; reply !== undefined; reply = expected[0]) {
      if (reply.untouched && bytes.length < 2) {
        head = bytes;
        return;
      }
      if (reply.untouched && (bytes[0] !== ASTERISK || bytes[1] === MINUS)) {
        // An error or nil: the client knows best what to do with it.
        const end = bytes.indexOf(LINE_END);
        if (end === -1) {
          head = bytes;
          return;
        }
        expected.shift();
        forward(bytes.subarray(0, end + LINE_END.length));
        bytes = bytes.subarray(end + LINE_END.length);
        continue;
      }
      const outcome = reply.push(bytes);
      if (!outcome.complete) return;
      expected.shift();
      forward(TAKEN);
      bytes = outcome.rest;
    }
    forward(bytes);
  };

  socket.removeAllListeners('data');
  socket.on('data', (chunk: Buffer) => {
    try {
      intercept(chunk);
    } catch (error) {
      // Replies no longer match commands: only a new connection can repair that.
      socket.destroy(toError(error));
    }
  });
  return { socket, expected };
}
