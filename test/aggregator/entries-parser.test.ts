import { test } from '../harness/ava.ts';
import { createEntriesParser } from '@streamfold/aggregator';
import * as fc from 'fast-check';
import { anyCharacter } from '../harness/any-character.ts';
import { readRawReply } from '../harness/raw-reply.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';

const { redis, port, stop } = await shareRedis();
test.after.always(stop);

/** An entry as both parsers return it. */
interface Entry {
  readonly id: string;
  readonly fields: readonly string[] | undefined;
}

type Reply = [key: string, entries: [id: string, fields: string[] | null][]][];

/** The raw reply that delivers entries, and the client's own reading of the same reply. */
async function deliver(
  contents: readonly (readonly string[])[],
  deleted: readonly number[] = [],
): Promise<{ raw: Buffer; entries: Entry[] }> {
  const key = nextPrefix();
  const ids: string[] = [];
  for (const fields of contents) ids.push((await redis.xadd(key, '*', ...fields)) ?? '');
  await redis.xgroup('CREATE', key, 'g', '0');
  await redis.xreadgroup('GROUP', 'g', 'c', 'STREAMS', key, '>');
  for (const at of deleted) await redis.xdel(key, ids[at % ids.length] ?? '');
  const reply = (await redis.xreadgroup('GROUP', 'g', 'c', 'STREAMS', key, '0')) as Reply;
  const raw = await readRawReply(port, ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', key, '0']);
  await redis.del(key);
  const entries = (reply[0]?.[1] ?? []).map(([id, fields]) => ({ id, fields: fields ?? undefined }));
  return { raw, entries };
}

/** Parses a reply in the given chunks; fails if it is complete before the last one. */
function parse(chunks: readonly Buffer[]): { entries: Entry[]; rest: Buffer } {
  const entries: Entry[] = [];
  const parser = createEntriesParser(({ id, fields }) => entries.push({ id, fields }));
  for (const [at, chunk] of chunks.entries()) {
    const outcome = parser.push(chunk);
    if (!outcome.complete) continue;
    if (at < chunks.length - 1) throw new Error(`complete after ${at + 1} of ${chunks.length} chunks`);
    return { entries, rest: outcome.rest };
  }
  throw new Error('expected the reply to be complete');
}

function cut(raw: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(raw.subarray(at, at + size));
    at += size;
  }
  return [...chunks, raw.subarray(at)];
}

const text = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', '\r\n', '$3\r\n', '*-1\r\n', '\u0000', 'é', '€', '😀'),
);
const contents = fc.array(
  fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }).map((pairs) => pairs.flat()),
  { minLength: 1, maxLength: 6 },
);

test('entries are the same as those of the client, wherever the reply is cut', async (t) => {
  await fc.assert(
    fc.asyncProperty(contents, fc.array(fc.nat(5), { maxLength: 2 }), async (entryContents, deleted) => {
      const { raw, entries } = await deliver(entryContents, deleted);
      t.deepEqual(parse([raw]).entries, entries);
      for (let at = 0; at < raw.length; at++) {
        t.deepEqual(parse([raw.subarray(0, at), raw.subarray(at)]).entries, entries);
      }
    }),
    { numRuns: 25 },
  );
});

test('entries are the same in chunks of any sizes, down to single bytes', async (t) => {
  const sizes = fc.array(fc.nat(9), { maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(contents, sizes, async (entryContents, chunkSizes) => {
      const { raw, entries } = await deliver(entryContents);
      t.deepEqual(parse(Array.from(raw, (byte) => Buffer.of(byte))).entries, entries);
      const chunks = cut(raw, chunkSizes).filter(({ length }) => length > 0);
      t.deepEqual(parse(chunks).entries, entries);
    }),
    { numRuns: 100 },
  );
});

test('entries that were deleted meanwhile have no fields', async (t) => {
  const { raw, entries } = await deliver([['a', '1'], ['b', '2'], ['c', '3']], [1]); // prettier-ignore
  t.is(entries[1]?.fields, undefined);
  t.deepEqual(parse([raw]).entries, entries);
});

test('a reply without entries is an empty list', async (t) => {
  const { raw, entries } = await deliver([['a', '1']], []);
  t.is(entries.length, 1);
  const key = 'empty';
  await redis.xgroup('CREATE', key, 'g', '0', 'MKSTREAM');
  const empty = await readRawReply(port, ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', key, '0']);
  t.deepEqual(parse([empty]).entries, []);
  t.deepEqual(parse([raw]).entries, entries);
});

test('bytes after the reply are returned', async (t) => {
  const { raw, entries } = await deliver([['a', '1']]);
  const outcome = parse([Buffer.concat([raw, Buffer.from('+PONG\r\n')])]);
  t.deepEqual(outcome.entries, entries);
  t.is(outcome.rest.toString(), '+PONG\r\n');
});

test('bytes that are not such a reply are refused', (t) => {
  for (const reply of [':1\r\n', '$3\r\nabc\r\n', '*1\r\n:5\r\n', '*1\r\n*2\r\n$1\r\nk\r\n$1\r\nx\r\n']) {
    t.throws(
      () => createEntriesParser(() => undefined).push(Buffer.from(reply)),
      { message: /reply to XREADGROUP: expected/ },
      reply,
    );
  }
});

test('a large value costs the same per byte as a small one, and so do many small ones', async (t) => {
  const CHUNK_BYTES = 64 * 1024;
  const MIB = 1024 * 1024;
  for (const fields of [
    ['large', 'x'.repeat(64 * MIB)],
    ['unicode', '€'.repeat(16 * MIB)],
    Array.from({ length: 400_000 }, (_, n) => `field-${n}`),
  ]) {
    const texts = fields.map((value) => `$${Buffer.byteLength(value)}\r\n${value}\r\n`).join('');
    const raw = Buffer.from(`*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*${fields.length}\r\n${texts}`);
    const sizes = Array.from({ length: Math.floor((raw.length - 1) / CHUNK_BYTES) }, () => CHUNK_BYTES);
    const startedMs = performance.now();
    const { entries } = parse(cut(raw, sizes));
    t.true(performance.now() - startedMs < 5_000); // a parser that starts again with each chunk takes a minute
    t.is(entries[0]?.fields?.length, fields.length);
    // Only the beginning is kept of a value that is too large to be folded.
    t.true(entries[0]?.fields?.every((value, at) => fields[at]?.startsWith(value.slice(0, -1))));
  }
});

/** An entry with one field, as Redis sends it. */
function entry(id: string, value: Buffer): Buffer {
  const beginning = `*2\r\n$3\r\n${id}\r\n*2\r\n$1\r\na\r\n$${value.length}\r\n`;
  return Buffer.concat([Buffer.from(beginning), value, Buffer.from('\r\n')]);
}

test('only the beginning of a value too large to be folded is kept, and the rest of the reply is read', (t) => {
  const value = Buffer.alloc(12 * 1024 * 1024, 'x');
  const raw = Buffer.concat([
    Buffer.from('*1\r\n*2\r\n$1\r\nk\r\n*3\r\n'),
    entry('1-1', value),
    entry('1-2', Buffer.from('small')),
    entry('1-3', value),
  ]);
  for (const chunkBytes of [1, 3, 64].map((each) => each * 65_537)) {
    const sizes: number[] = [];
    const lengths: number[] = [];
    const parser = createEntriesParser(({ fields, payloadBytes }) => {
      lengths.push(fields?.[1]?.length ?? 0);
      sizes.push(payloadBytes);
    });
    let complete = false;
    for (let at = 0; at < raw.length; at += chunkBytes)
      ({ complete } = parser.push(raw.subarray(at, at + chunkBytes)));
    t.true(complete);
    t.deepEqual(sizes, [value.length + 1, 6, value.length + 1]);
    t.deepEqual(lengths, [5 * 1024 * 1024, 5, 5 * 1024 * 1024]);
  }
});

test('a reply of several entries that grows too large is abandoned', (t) => {
  const parser = createEntriesParser(() => undefined);
  parser.push(
    Buffer.from(`*1\r\n*2\r\n$1\r\nk\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$${40 * 1024 * 1024}\r\n`),
  );
  t.throws(
    () => {
      for (let n = 0; n < 40; n++) parser.push(Buffer.alloc(1024 * 1024));
    },
    { message: /expected at most 33554432 bytes; its 2 entries are larger/ },
  );
});
