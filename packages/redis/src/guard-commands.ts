import type { Cluster, Command, Redis } from 'ioredis';
import { ConnectionError, lost, misdirected, noReply, notConnected } from './connection-error.ts';
import { isMisdirectedReply, isReplyError } from './reply-error.ts';

/** The rules for the commands of a connection. */
export interface CommandRules {
  /** Name of the server in error texts. */
  readonly address: () => string;
  /** A reply must come within this time, ms, after the time that the command itself may block. */
  readonly timeoutMs: number;
  /** Why the connection is not there, if it is known. */
  readonly lastError: () => Error | undefined;
  /** Called when a connection that worked is given up. */
  readonly onGivenUp: (error: ConnectionError) => void;
}

/** The client's text for a command that took too long; it has no code. */
const CLIENT_TIMEOUT = 'Command timed out';

/** The client's text for a command that a Cluster sent on, or put off, too often; with the last reply. */
const TOO_OFTEN = /^Too many Cluster redirections\. Last error: ReplyError: (.*)$/s;

/**
 * Makes a connection drop its socket, and so open a new one, when it can no longer be trusted: when a reply does not come
 * in time, as it could be taken for the reply to a later command, or when the server says that it is not the one to ask.
 * The socket is destroyed rather than closed: a peer that is gone would never answer the closing.
 *
 * Also rewords errors and removes the arguments, which hold payloads and, in AUTH, the password.
 */
export function guardConnection(redis: Redis, rules: CommandRules): void {
  const send = redis.sendCommand.bind(redis);
  const giveUp = (error: ConnectionError): void => {
    const socket = redis.stream as Redis['stream'] | undefined;
    if (socket === undefined || socket.destroyed) return;
    socket.destroy();
    rules.onGivenUp(error);
  };
  redis.sendCommand = (command, stream) => {
    const timeoutMs = (command.extractBlockingTimeout() ?? 0) + rules.timeoutMs;
    command.setTimeout(timeoutMs);
    guardCommand(command, { ...rules, timeoutMs }, giveUp);
    // The client of a Cluster sends it before a command and does not look at its outcome: if that fails, the command fails too.
    if (command.name === 'asking') command.promise.catch(() => undefined);
    const outcome = send(command, stream);
    sent.add(command);
    return outcome;
  };
}

/** The same for commands that a Cluster refuses before it has chosen a node; each of its nodes is guarded separately. */
export function guardCluster(cluster: Cluster, rules: CommandRules): void {
  const send = cluster.sendCommand.bind(cluster);
  cluster.sendCommand = (command, stream, node) => {
    guardCommand(command, rules, () => undefined);
    const outcome = send(command, stream, node);
    sent.add(command);
    return outcome;
  };
}

/** Commands that were not refused at once: if they fail later, they were on their way. */
const sent = new WeakSet<Command>();

/** Intercepts the failure of a command. */
function guardCommand(command: Command, rules: CommandRules, giveUp: (error: ConnectionError) => void): void {
  const reject = command.reject.bind(command);
  const name = command.name.toUpperCase();
  const address = rules.address();
  command.reject = (given) => {
    const error = lastRefusal(given) ?? given;
    if (error instanceof ConnectionError) reject(error);
    else if (isReplyError(error)) {
      if ('command' in error) error.command = { name: command.name };
      if (isMisdirectedReply(error)) giveUp(misdirected(address, error));
      reject(error);
    } else if (error.message === CLIENT_TIMEOUT) {
      const late = noReply(address, name, rules.timeoutMs);
      // A process that was held up itself finds its timer first, and the reply after it.
      setImmediate(() => {
        if (command.isResolved) return;
        giveUp(late);
        reject(late);
      });
    } else if (sent.has(command)) reject(lost(address, name, causeOfLoss(rules.lastError())));
    else reject(notConnected(address, name, rules.lastError()));
  };
}

/** The last of the replies that refused a command, if there were too many: nothing of it was done. */
function lastRefusal({ message }: Error): Error | undefined {
  const [, reply] = TOO_OFTEN.exec(message) ?? [];
  return reply === undefined ? undefined : Object.assign(new Error(reply), { name: 'ReplyError' });
}

/** What the connection said when it broke; undefined if it just ended, or the last error is of an attempt to connect. */
function causeOfLoss(last: Error | undefined): Error | undefined {
  if (!(last instanceof ConnectionError) || last.reason === 'unreachable') return undefined;
  return last.reason === 'lost' && last.cause instanceof Error ? last.cause : last;
}
