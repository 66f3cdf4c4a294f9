import { NO_MATCH, type BytesFold } from '@streamfold/core';
import type { ParseOutcome } from '@streamfold/redis';
import type { TakeEntry } from './delivered-entry.ts';
import { createEntryParser, MAX_REPLY_BYTES, tooLarge, type EntriesParser } from './entries-parser.ts';
import { measureEntry, readHeader } from './reply-frame.ts';

export interface FoldReplyOptions {
  readonly fold: BytesFold;
  /** Called before each entry is folded. */
  readonly begin: () => void;
  /** Folds an entry that had to be decoded; called after `begin`. */
  readonly take: TakeEntry;
}

/**
 * Folds the entries of one reply to XREADGROUP as they arrive. Each is tried as bytes first. What is not of a known layout
 * goes, entry by entry, through the parser that makes strings of it. An entry that the chunk's end cuts is waited for,
 * unless it is larger than any that can be folded: the parser then takes the rest of it as it arrives, and keeps what it
 * needs of it.
 */
export function createReplyFold({ fold, begin, take }: FoldReplyOptions): EntriesParser {
  const { source } = fold;
  let untouched = true;
  let left: number | undefined;
  let replyBytes = 0;
  /** Where the entry that is waited for ends, from its start, as far as that is known. */
  let neededBytes = 0;
  /** Takes the rest of a large entry. */
  let parser: EntriesParser | undefined;
  source.clear();

  /** Takes the entry that begins at `source.start`. False if it is not all there. */
  const foldNext = (): boolean => {
    begin();
    const end = fold.foldReceived(source.start);
    if (end !== NO_MATCH) {
      source.start = end;
      return true;
    }
    const received = source.end - source.start;
    const size = measureEntry(source);
    if (size === undefined && received < LARGE_BYTES) {
      neededBytes = Math.min(fold.measureBatch(source.start), LARGE_BYTES);
      return false;
    }
    const bytes = Buffer.from(source.bytes.subarray(source.start, source.start + (size ?? received)));
    source.start += bytes.length;
    const opened = createEntryParser(take);
    if (opened.push(bytes).complete) return true;
    parser = opened;
    return false;
  };

  const advance = (): boolean => {
    if (left === undefined) {
      const header = readHeader(source);
      if (header === undefined) return false;
      left = header;
    }
    while (left > 0) {
      if (source.end - source.start < Math.max(neededBytes, 1)) return false;
      neededBytes = 0;
      if (!foldNext()) return false;
      left--;
    }
    return true;
  };

  return {
    get untouched() {
      return untouched;
    },
    push(chunk) {
      untouched = false;
      replyBytes += chunk.length;
      if (replyBytes > MAX_REPLY_BYTES && (left ?? 0) > 1) throw tooLarge(left ?? 0);
      let rest = chunk;
      if (parser !== undefined) {
        const outcome = parser.push(chunk);
        if (!outcome.complete) return outcome;
        parser = undefined;
        left = (left ?? 1) - 1;
        rest = outcome.rest;
      }
      source.push(rest);
      return advance() ? finish() : { complete: false };
    },
  };

  /** What followed the reply is given back. */
  function finish(): ParseOutcome {
    const rest = Buffer.from(source.bytes.subarray(source.start, source.end));
    source.clear();
    return { complete: true, rest };
  }
}

/** No entry that is larger can be of a known layout. */
const LARGE_BYTES = 1.25 * 1024 * 1024;
