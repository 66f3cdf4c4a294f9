import type { Fact } from '@streamfold/aggregator';
import pino, { type Logger } from 'pino';

export type Log = Logger;

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

/** Logs a fact at the level that it deserves. */
export function logFact(log: Log, fact: Fact): void {
  const { type, ...rest } = fact;
  const details = 'error' in fact ? { ...rest, error: fact.error.message } : rest;
  switch (type) {
    case 'batch_committed':
      log.debug({ ...details, deadLetters: Object.fromEntries(fact.deadLetters) }, 'batch committed');
      if (fact.deadLetters.size > 0) {
        log.warn({ shard: fact.shard, ...Object.fromEntries(fact.deadLetters) }, 'dead letters written');
      }
      if (fact.lostEntries > 0)
        log.error(
          { shard: fact.shard, entries: fact.lostEntries },
          'entries lost: trimmed before they were folded',
        );
      return;
    case 'batch_contested':
      log.info(details, 'batch contested: nothing written, reading own pending entries');
      return;
    case 'commit_failed':
      log.debug(details, 'commit failed; its entries stay pending');
      return;
    case 'entries_repeated':
      log.error(details, 'entries delivered again after they were folded: acknowledged without effect');
      return;
    case 'stream_replaced':
      log.warn(details, 'another stream of events than before: its counters are taken as they are');
      return;
    case 'entries_claimed':
      log.info(details, 'entries claimed from a silent consumer');
      return;
    case 'entries_lost':
      log.error(details, 'entries lost: trimmed before they were folded');
      return;
    case 'generation_batch_committed':
      log.debug(
        { ...details, deadLetters: Object.fromEntries(fact.deadLetters) },
        'batch committed to a generation that is not live',
      );
      return;
    case 'generation_folded':
      log.info(details, 'folding a generation that is not live');
      return;
    case 'generation_switched':
      log.info(details, 'another generation is live');
      return;
    case 'generation_dropped':
      log.info(details, 'generation dropped');
      return;
    case 'generation_unreadable':
      log.warn(details, 'a newer program has defined this generation; it is not folded here');
      return;
    case 'rebuild_needed':
      if (fact.needed)
        log.warn(
          details,
          'rebuild needed: the live generation is folded by other definitions than configured',
        );
      else log.info(details, 'the live generation is folded by the configured definitions');
      return;
    case 'dead_letters_trimmed':
      log.error(details, 'oldest dead letters dropped: more were kept than allowed');
      return;
    case 'consumers_removed':
      log.info(details, 'consumers removed that were gone');
      return;
    case 'group_created':
      log.info(details, 'consumer group created');
      return;
    case 'group_restored':
      log.warn(details, 'consumer group was gone; restored behind the last folded entry');
      return;
    case 'failed':
      log.warn(details, 'failed; trying again');
      return;
    case 'recovered':
      log.info(details, 'works again');
      return;
    case 'monitor_moved':
      log.debug(details, 'overdue');
      return;
    case 'monitor_suspended':
      log.info(details, 'deadlines suspended: no monitor had stepped for long');
      return;
    case 'records_set_aside':
      log.error(details, 'malformed records set aside: no monitor judges them');
      return;
    case 'clock_stepped_back':
      log.warn(details, 'the clock of Redis stepped back');
      return;
    case 'ended_coordinators_removed':
      if (fact.removed > 0) log.info(details, 'removed what coordinators left that ended long ago');
      return;
    case 'segment_archived':
      log.info(details, 'segment archived');
      return;
    case 'entries_trimmed':
      log.info(details, 'entries trimmed: folded and older than the retention');
      return;
    case 'condition_raised':
      log.warn(details, 'not well');
      return;
    case 'condition_cleared':
      log.info(details, 'well again');
      return;
    case 'near_bound_counted':
    case 'archive_stops_counted':
      return; // each is logged as a condition
    case 'connection_failed':
      log.debug(details, 'connection failed');
      return;
    case 'request_failed':
      log.warn(details, 'request failed');
      return;
    case 'view_loaded':
      log.info(details, 'view loaded');
      return;
    case 'snapshot_written':
      log.info(details, 'snapshot written');
      return;
    case 'snapshot_unreadable':
      log.warn(details, 'a snapshot cannot be used; loading another one');
      return;
  }
}
