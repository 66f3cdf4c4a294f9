import type { EntryId } from '@streamfold/core';
import { z } from 'zod';

const ENTRY_ID = z.string().regex(/^\d{1,20}-\d{1,20}$/);
const COUNT = z.int().min(0);
const SHA256 = z.string().regex(/^[0-9a-f]{64}$/);

const Manifest = z.object({
  format: z.literal(1),
  shard: COUNT,
  shards: z.int().min(1),
  history: z.uuid().optional(),
  sequence: z.int().min(1),
  firstId: ENTRY_ID,
  lastId: ENTRY_ID,
  entries: z.int().min(1),
  bytes: z.int().min(1),
  sha256: SHA256,
  previous: z.object({ lastId: ENTRY_ID, sha256: SHA256 }).nullable(),
  entriesBefore: COUNT,
  missing: COUNT,
});

/** A closed range of a shard's stream as a file: the content of its manifest. */
export interface Segment {
  readonly format: 1;
  readonly shard: number;
  /** The number of shards of the installation. */
  readonly shards: number;
  /** The history that the archive belongs to: a UUID made with its first segment. `undefined` in segments of earlier versions. */
  readonly history?: string | undefined;
  /** 1, 2, 3 … without a gap. */
  readonly sequence: number;
  readonly firstId: EntryId;
  readonly lastId: EntryId;
  readonly entries: number;
  /** Of the data as they are stored: compressed. */
  readonly bytes: number;
  /** Of the data as they are stored, hexadecimal. */
  readonly sha256: string;
  /** The segment before it; `null` for the first. */
  readonly previous: { readonly lastId: EntryId; readonly sha256: string } | null;
  /** Entries that were ever added to the stream before the first of this segment, including missing ones. */
  readonly entriesBefore: number;
  /** Entries between the segment before and this one that were gone before they could be archived. */
  readonly missing: number;
}

/** Digits of a sequence number in names, so that names are in its order. */
const SEQUENCE_DIGITS = 10;
const MANIFEST_NAME = /^(\d{10})\.json$/;

/** The folder of a shard. */
export function folderOf(shard: number): string {
  return `shard-${shard}`;
}

/** Name of a manifest: it is the commit of its segment. */
export function manifestName(shard: number, sequence: number): string {
  return `${folderOf(shard)}/${namePrefix(sequence)}.json`;
}

/** Name of a segment's data; it holds a part of their digest, so that no two contents share it. */
export function dataName(shard: number, { sequence, sha256 }: Pick<Segment, 'sequence' | 'sha256'>): string {
  return `${folderOf(shard)}/${namePrefix(sequence)}-${sha256.slice(0, 16)}.ndjson.gz`;
}

/** The sequence number in the name of a manifest without its folder; `undefined` if it is no manifest's. */
export function parseManifestName(name: string): number | undefined {
  const digits = MANIFEST_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The sequence number in the name of a segment's data, likewise. */
export function parseDataName(name: string): number | undefined {
  const digits = /^(\d{10})-[0-9a-f]{16}\.ndjson\.gz$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The manifest as it is stored: one JSON object. */
export function encodeManifest(segment: Segment): Buffer {
  return Buffer.from(`${JSON.stringify(segment, null, 2)}\n`);
}

/** The manifest in these bytes, or what is wrong with them. */
export function decodeManifest(bytes: Buffer): Segment | { readonly fault: string } {
  try {
    return Manifest.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    if (!(error instanceof z.ZodError)) return { fault: 'expected JSON' };
    const [issue] = error.issues;
    return { fault: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
  }
}

/** Entries that were ever added to the stream up to the end of a segment. */
export function positionBehind({ entriesBefore, entries }: Segment): number {
  return entriesBefore + entries;
}

/** Prefix of the names of a segment's files; it sorts before them, and after those of all earlier segments. */
export function namePrefix(sequence: number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, '0');
}
