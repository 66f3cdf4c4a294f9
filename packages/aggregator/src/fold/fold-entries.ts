import {
  BytesFold,
  ColumnPool,
  ColumnsEncoder,
  describeColumns,
  encodeDelta,
  type BatchColumns,
  type Catalogue,
  type DeadLetter,
  type DecodeContext,
  type DeltaForm,
} from '@streamfold/core';
import type { StoredEntries } from '@streamfold/archive';
import type { FoldedBatch } from '../state/commit-batch.ts';
import type { TakeEntry } from './delivered-entry.ts';
import type { EntriesParser } from './entries-parser.ts';
import { PageFold } from './fold-page.ts';
import { createReplyFold } from './fold-reply.ts';
import { TouchedBound } from './touched-bound.ts';

/** Bounds of one commit, so that Redis never stalls for long: by its script, or by the size of its arguments. */
export interface CommitBounds {
  readonly entries: number;
  /** Bytes of the field names and values of its entries. */
  readonly payloadBytes: number;
  /** Series and coordinators in the delta. */
  readonly series: number;
  /** Dead letters; the last entry of a batch can bring 1,000 more. */
  readonly deadLetters: number;
  /** Characters of the fields of one dead letter; of longer ones only the beginning is kept. */
  readonly fieldsCharacters: number;
}

/** Folds what one consumer reads, one read after the other. What it has learned of the bytes of entries serves all of them. */
export interface Fold {
  /** Begins a read. What was folded of the one before and not taken is dropped. */
  begin(bounds: CommitBounds): EntriesFold;
}

export interface FoldOptions {
  readonly catalogue: Catalogue;
  readonly deltaForm: DeltaForm;
  readonly context: DecodeContext;
  /** Of the hashes of series; drawn once per process. */
  readonly hashSeed: number;
  /** Of the columns of batches: readers of the same shard and generation share one. */
  readonly pool?: ColumnPool;
}

/** Folds entries one after the other, as they are read. */
export interface EntriesFold {
  /** Decodes an entry and folds it into the last batch, or into a new one if that has reached a bound of a commit. */
  readonly take: TakeEntry;
  /** The same for a reply to XREADGROUP as it arrives. */
  parseReply(): EntriesParser;
  /** The same for entries of a log, as they stand there. */
  takePage(page: StoredEntries): void;
  /** What the entries came to, in their order. Each holds at least one, however large. */
  readonly batches: readonly FoldedBatch[];
  /** Entries taken, and the bytes of all their fields. */
  readonly entries: number;
  readonly payloadBytes: number;
}

export function createFolding(options: FoldOptions): Fold {
  const { catalogue, deltaForm, context, hashSeed: seed, pool = new ColumnPool(catalogue) } = options;
  let deadLetters: FoldedBatch['deadLetters'][number][] = [];
  let fieldsCharacters = 0;
  const fold = new BytesFold({
    catalogue,
    context,
    seed,
    pool,
    onDeadLetter(deadLetter, entryId) {
      deadLetters.push({ entryId, deadLetter: shorten(deadLetter, fieldsCharacters) });
    },
  });
  const encoder = new ColumnsEncoder();
  const pages = new PageFold(fold);

  const foldAndLearn: TakeEntry = ({ id, fields, payloadBytes }) =>
    fold.foldAndLearn(id, fields, payloadBytes);

  /** What was folded since the last one. Other columns serve the next batch. */
  const close = (): FoldedBatch => {
    const columns = fold.takeBatch();
    const record =
      deltaForm === 'binary' ? toBuffer(encoder.encode(columns)) : encodeDelta(describeColumns(columns));
    const closed = describeBatch(columns, {
      record,
      deadLetters,
      release: () => pool.giveBack(columns),
    });
    deadLetters = [];
    return closed;
  };

  return {
    begin(bounds) {
      const batches: FoldedBatch[] = [];
      let entries = 0;
      let payloadBytes = 0;
      const touchedBound = new TouchedBound(bounds.series);
      const closeBatch = (): void => {
        touchedBound.startAnew();
        entries += fold.batch.entries;
        payloadBytes += fold.batch.payloadBytes;
        batches.push(close());
      };
      const closeFullBatch = (): void => {
        if (fold.batch.entries === 0) return;
        if (hasReached(bounds, fold.batch, deadLetters.length) || touchedBound.isReached(fold.batch))
          closeBatch();
      };
      deadLetters = [];
      fieldsCharacters = bounds.fieldsCharacters;
      fold.startAnew();
      return {
        take(entry) {
          closeFullBatch();
          fold.foldDecoded(entry.id, entry.fields, entry.payloadBytes);
        },
        parseReply: () => createReplyFold({ fold, begin: closeFullBatch, take: foldAndLearn }),
        takePage(page) {
          for (pages.open(page); pages.hasNext; pages.foldNext()) closeFullBatch();
        },
        get batches() {
          if (fold.batch.entries > 0) closeBatch();
          return batches;
        },
        get entries() {
          return entries + fold.batch.entries;
        },
        get payloadBytes() {
          return payloadBytes + fold.batch.payloadBytes;
        },
      };
    },
  };
}

/** Whether a batch has reached a bound other than that of series. */
function hasReached(bounds: CommitBounds, batch: BatchColumns, deadLetters: number): boolean {
  return (
    batch.entries >= bounds.entries ||
    batch.payloadBytes >= bounds.payloadBytes ||
    deadLetters >= bounds.deadLetters
  );
}

function describeBatch(
  batch: BatchColumns,
  rest: Pick<FoldedBatch, 'record' | 'deadLetters' | 'release'>,
): FoldedBatch {
  const idTexts = toBuffer(batch.ids.bytes).toString('latin1', 0, batch.ids.end - 1); // without the last space
  return {
    get ids() {
      return idTexts.split(' ');
    },
    entries: batch.entries,
    firstId: idTexts.slice(0, batch.idLength(0)),
    lastId: idTexts.slice(idTexts.lastIndexOf(' ') + 1),
    totals: {
      entries: batch.entries - batch.lostEntries,
      events: batch.events,
      lostEntries: batch.lostEntries,
      deadLetters: new Map(batch.deadLetters),
    },
    columns: batch,
    ...rest,
  };
}

function toBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

const BEGINNING_CHARACTERS = 1_000;

/** The same with only the beginning of its fields, if they are too long for a commit. */
function shorten(deadLetter: DeadLetter, characters: number): DeadLetter {
  const { fields } = deadLetter;
  if (fields.length <= characters) return deadLetter;
  const cut = `fields of ${fields.length} characters that begin: ${fields.slice(0, BEGINNING_CHARACTERS)}`;
  return { ...deadLetter, fields: JSON.stringify({ cut }) };
}
