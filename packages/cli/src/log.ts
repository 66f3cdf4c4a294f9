import type { Fact } from '@streamfold/aggregator';
import pino, { type Logger } from 'pino';

export type Log = Logger;

const ENTRIES_LOST = 'entries lost: trimmed before they were folded';

/** A log on standard output: JSON lines, or short plain ones in a terminal. */
export function createLog(level: string, terminal: boolean): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: nameLevel },
  };
  return terminal
    ? pino(options, { write: (line) => process.stdout.write(toPlainLine(line)) })
    : pino(options);
}

function nameLevel(label: string): { level: string } {
  return { level: label };
}

function toPlainLine(line: string): string {
  const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(msg)}${details.join('')}\n`;
}

type FactOf = { readonly [Type in Fact['type']]: Extract<Fact, { readonly type: Type }> };
type Writer<Type extends Fact['type']> = (log: Log, fact: FactOf[Type]) => void;

const NOT_LOGGED = undefined;

/** The level and text of each fact in the log. A new fact needs a row. */
const WRITERS: { readonly [Type in Fact['type']]: Writer<Type> | typeof NOT_LOGGED } = {
  batch_committed(log, fact) {
    const { shard, deadLetters, lostEntries } = fact;
    log.debug(toDetails(fact), 'batch committed');
    if (deadLetters.size > 0) log.warn({ shard, ...Object.fromEntries(deadLetters) }, 'dead letters written');
    if (lostEntries > 0) log.error({ shard, entries: lostEntries }, ENTRIES_LOST);
  },
  batch_contested: writeAll('info', 'batch contested: nothing written, reading own pending entries'),
  commit_failed: writeAll('debug', 'commit failed; its entries stay pending'),
  entries_repeated: writeAll(
    'error',
    'entries delivered again after they were folded: acknowledged without effect',
  ),
  stream_replaced: writeAll(
    'warn',
    'the stream of events is another one than before: its counters are read as they are',
  ),
  entries_claimed: writeAll('info', 'entries claimed from a silent consumer'),
  entries_lost: writeAll('error', ENTRIES_LOST),
  generation_batch_committed: writeAll('debug', 'batch committed to a generation that is not live'),
  generation_folded: writeAll('info', 'folding a generation that is not live yet, or no longer'),
  generation_switched: writeAll('info', 'another generation is now live'),
  generation_dropped: writeAll('info', 'generation dropped'),
  generation_unreadable: writeAll(
    'warn',
    'a newer program has defined this generation; it is not folded here',
  ),
  rebuild_needed(log, fact) {
    const details = toDetails(fact);
    if (fact.needed)
      log.warn(details, 'rebuild needed: the live generation has other definitions than configured');
    else log.info(details, 'the live generation has the configured definitions');
  },
  dead_letters_trimmed: writeAll('error', 'oldest dead letters dropped: more were kept than allowed'),
  consumers_removed: writeAll('info', 'removed consumers that were gone'),
  group_created: writeAll('warn', 'consumer group and state were gone; created again'),
  state_lost: writeAll(
    'error',
    'Redis went back to an earlier state: folded entries and their counts are gone',
  ),
  group_restored: writeAll('warn', 'consumer group was gone; restored after the last folded entry'),
  failed: writeAll('warn', 'failed; trying again'),
  recovered: writeAll('info', 'works again'),
  monitor_moved: writeAll('debug', 'overdue'),
  monitor_suspended: writeAll('info', 'deadlines suspended: no monitor had run for a long time'),
  records_set_aside: writeAll('error', 'malformed records set aside: no monitor judges them'),
  clock_stepped_back: writeAll('warn', 'the clock of Redis stepped back'),
  ended_coordinators_removed(log, fact) {
    if (fact.removed > 0) log.info(toDetails(fact), 'removed the keys of coordinators that ended long ago');
  },
  segment_archived: writeAll('info', 'segment archived'),
  entries_trimmed: writeAll('info', 'entries trimmed: folded and older than the retention'),
  condition_raised: writeAll('warn', 'not well'),
  condition_cleared: writeAll('info', 'well again'),
  // Each of these is logged as a condition.
  near_bound_counted: NOT_LOGGED,
  archive_stops_counted: NOT_LOGGED,
  connection_failed: writeAll('debug', 'connection failed'),
  request_failed: writeAll('warn', 'request failed'),
  view_loaded: writeAll('info', 'view loaded'),
  snapshot_written: writeAll('info', 'snapshot written'),
  snapshot_unreadable: writeAll('warn', 'a snapshot cannot be used; loading another one'),
};

/** Logs a fact at its level. */
export function logFact(log: Log, fact: Fact): void {
  write(fact.type, fact, log);
}

function write<Type extends Fact['type']>(type: Type, fact: FactOf[Type], log: Log): void {
  WRITERS[type]?.(log, fact);
}

/** Logs all fields of the fact on one line. */
function writeAll(level: 'debug' | 'info' | 'warn' | 'error', text: string): (log: Log, fact: Fact) => void {
  return (log, fact) => log[level](toDetails(fact), text);
}

function toDetails({ type: _type, ...details }: Fact): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]: [string, unknown]) => [name, toPlainValue(value)]),
  );
}

function toPlainValue(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return value instanceof Map ? Object.fromEntries(value) : value;
}
