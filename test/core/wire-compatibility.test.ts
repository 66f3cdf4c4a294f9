import { createHash } from 'node:crypto';
import { EVENT_TYPES } from '@streamfold/core';
import { test } from '../harness/ava.ts';
import { z } from 'zod';
import { decodeAll } from './decode-all.ts';
import { listGolden, readGolden } from './golden-file.ts';

/** Entries as they were once published, and the events to which they must always decode. */
const goldenEntries = z.array(
  z.object({ fields: z.array(z.string()), event: z.record(z.string(), z.unknown()) }),
);

type GoldenEntry = z.output<typeof goldenEntries>[number];

function readEntries(file: string): GoldenEntry[] {
  return goldenEntries.parse(JSON.parse(readGolden(`events/${file}`)));
}

for (const file of listGolden('events/')) {
  test(`entries of ${file.replace('.json', '')} decode as on the day they were published`, (t) => {
    for (const { fields, event } of readEntries(file)) {
      const [outcome] = decodeAll(fields);
      t.deepEqual(known(outcome?.event), event);
      const wire = Object.fromEntries(
        fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : [])),
      );
      t.deepEqual(known(decodeAll(['events', JSON.stringify([wire])])[0]?.event), event);
    }
  });
}

/** Without `undefined` fields, which JSON does not have. */
function known(event: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event ?? {}).filter(([, value]) => value !== undefined));
}

test('every version of every event type has a golden file, and an upcaster unless it is the current one', (t) => {
  const files = EVENT_TYPES.flatMap(({ type, version }) =>
    Array.from({ length: version }, (_, before) => `${type}.v${before + 1}.json`),
  );
  t.deepEqual(listGolden('events/'), files.toSorted());
  for (const { type, version, upcasters } of EVENT_TYPES) {
    t.deepEqual(
      [...upcasters.keys()],
      Array.from({ length: version - 1 }, (_, before) => before + 1),
      type,
    );
  }
});

/** `<type>.v<version> <digest of the fields> v<version decoded to> <digest of the event>`, one line for each golden entry. */
const DIGESTS = 'event-digests.txt';

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

test('a golden entry is never removed or changed, and its decoded form changes only with the version', (t) => {
  const current = new Map<string, number>(EVENT_TYPES.map(({ type, version }) => [type, version]));
  const lines = listGolden('events/').flatMap((file) => {
    const [, type = '', version = ''] = /^(.+)\.v(\d+)\.json$/.exec(file) ?? [];
    return readEntries(file).map(({ fields, event }) => ({
      published: `${type}.v${version} ${digest(fields)}`,
      decoded: `v${current.get(type)} ${digest(event)}`,
    }));
  });
  const recorded = readDigests();
  const added = lines
    .filter(({ published, decoded }) => !recorded.has(`${published} ${decoded}`))
    .map(({ published, decoded }) => `${published} ${decoded}`);
  const text = [...recorded, ...added].toSorted().map((line) => `${line}\n`);
  readGolden(DIGESTS, text.join(''));

  const published = new Set(lines.map((line) => line.published));
  for (const line of readDigests()) {
    const [file = '', fields = '', decodedTo = ''] = line.split(' ');
    t.true(published.has(`${file} ${fields}`), `${file}: an entry was removed or changed: it was ${line}`);
    const [type = ''] = file.split('.v');
    if (decodedTo !== `v${current.get(type)}`) continue;
    t.true(
      lines.some((each) => `${each.published} ${each.decoded}` === line),
      `${file}: an entry decodes to something else, without a new version: it was ${line}`,
    );
  }
  const missing = lines.filter((line) => !readDigests().has(`${line.published} ${line.decoded}`));
  t.deepEqual(missing, [], 'new entries: record them with UPDATE_GOLDEN=1');
});

function readDigests(): Set<string> {
  return new Set(
    readGolden(DIGESTS)
      .split('\n')
      .filter((line) => line !== ''),
  );
}
