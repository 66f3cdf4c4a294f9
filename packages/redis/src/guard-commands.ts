import type { Cluster, Command, Redis } from 'ioredis';
import { ConnectionError, lost, noReply, notConnected } from './connection-error.ts';
import { isMisdirectedReply, isReplyError } from './reply-error.ts';

/** What the commands of a connection are held to. */
export interface CommandRules {
  /** How the server is called in error texts. */
  readonly address: () => string;
  /** A reply must come within this time, ms, after the time that the command itself may block. */
  readonly timeoutMs: number;
  /** Why the connection is not there, if it is known. */
  readonly lastError: () => Error | undefined;
}

/** The client's text for a command that took too long; it has no code. */
const CLIENT_TIMEOUT = 'Command timed out';

/**
 * Makes a connection drop its socket, and so open a new one, when it can no longer be trusted: when a reply does not come
 * in time, as it could be taken for the reply to a later command, or when the server says that it is not the one to ask.
 * The socket is destroyed rather than closed: a peer that is gone would never answer the closing.
 *
 * Also gives errors our own words, and takes the arguments off them: they hold payloads, and in AUTH the password.
 */
export function guardConnection(redis: Redis, rules: CommandRules): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const { timeoutMs } = rules;
    const blockMs = command.extractBlockingTimeout() ?? 0;
    command.setTimeout(blockMs + timeoutMs);
    return sendGuarded(command, rules, {
      send: () => send(command, stream),
      onTimeout(settle) {
        const socket = redis.stream as Redis['stream'] | undefined;
        // A process that was held up itself finds its timer first and the reply after it.
        setImmediate(() => {
          if (command.isResolved) return;
          socket?.destroy();
          settle(blockMs + timeoutMs);
        });
      },
      onMisdirected: () => redis.stream.destroy(),
    });
  };
}

/** The same for what a Cluster refuses before it has chosen a node; each of its nodes is guarded by itself. */
export function guardCluster(cluster: Cluster, rules: CommandRules): void {
  const send = cluster.sendCommand.bind(cluster);
  cluster.sendCommand = (command, stream, node) =>
    sendGuarded(command, rules, {
      send: () => send(command, stream, node),
      onTimeout: (settle) => settle(rules.timeoutMs),
      onMisdirected: () => undefined,
    });
}

interface Guard {
  send(): unknown;
  onTimeout(settle: (afterMs: number) => void): void;
  onMisdirected(): void;
}

function sendGuarded(command: Command, { address, lastError }: CommandRules, guard: Guard): unknown {
  const reject = command.reject.bind(command);
  const name = command.name.toUpperCase();
  const where = address();
  let sent = false;
  command.reject = (error) => {
    if (error instanceof ConnectionError) reject(error);
    else if (isReplyError(error)) {
      if ('command' in error) error.command = { name: command.name };
      if (isMisdirectedReply(error)) guard.onMisdirected();
      reject(error);
    } else if (error.message === CLIENT_TIMEOUT) {
      guard.onTimeout((afterMs) => reject(noReply(where, name, afterMs)));
    } else {
      const last = lastError();
      const broke = last instanceof ConnectionError && last.reason === 'lost' ? last.cause : undefined;
      reject(
        sent
          ? lost(where, name, broke instanceof Error ? broke : undefined)
          : notConnected(where, name, last),
      );
    }
  };
  const outcome = guard.send();
  sent = true; // refused later than this, it was on its way
  return outcome;
}
