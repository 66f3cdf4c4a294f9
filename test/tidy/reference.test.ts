import { spawnSync } from 'node:child_process';
import { test } from '../harness/ava.ts';
import { decodeEntry, EVENT_TYPES, noUpcasters, type Event } from '@streamfold/core';
import { readTracked, ROOT } from './tracked-files.ts';

test('the pages in docs/reference/ are those that `npm run docs` writes', (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['infra/generate-docs.mjs', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  t.is(stderr, '');
  t.is(status, 0);
});

test('every redis-cli example of the docs appends events that are folded', (t) => {
  const pages = ['README.md', 'docs/publishing.md', 'docs/reference/events.md'];
  const seen = new Set<string>();
  for (const example of pages.flatMap((page) => readTracked(page).match(/^redis-cli XADD .*$/gm) ?? [])) {
    const [key, id, ...fields] = splitWords(example).slice(2);
    t.deepEqual([key, id], ['streamfold:{0}:events', '*']);
    const { events, reasons } = decode(fields);
    t.deepEqual(reasons, [], example);
    for (const { type } of events) seen.add(type);
  }
  t.deepEqual(
    EVENT_TYPES.map(({ type }) => type).filter((type) => !seen.has(type)),
    [],
  );
});

test('every JSON example of the reference is an event that is folded', (t) => {
  const examples = [...readTracked('docs/reference/events.md').matchAll(/^```json\n(.*)\n```$/gm)];
  t.is(examples.length, EVENT_TYPES.length);
  for (const [, json] of examples) t.deepEqual(decode(['events', `[${json}]`]).reasons, [], json);
});

function decode(fields: readonly string[]): { events: Event[]; reasons: string[] } {
  const events: Event[] = [];
  const reasons: string[] = [];
  decodeEntry(
    fields,
    { shard: 0, shards: 1, upcasters: noUpcasters },
    { event: (event) => void events.push(event), deadLetter: ({ reason }) => void reasons.push(reason) },
  );
  return { events, reasons };
}

/** Words of a shell line, for the syntax that the examples use: spaces and single quotes. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}
