import { EVENT_TYPES } from '@streamfold/core';
import test from 'ava';
import { z } from 'zod';
import { decodeAll } from './decode-all.ts';
import { listGolden, readGolden } from './golden-file.ts';

/** Entries as they were once published, and what they must decode to for ever. */
const goldenEntries = z.array(
  z.object({ fields: z.array(z.string()), event: z.record(z.string(), z.unknown()) }),
);

for (const file of listGolden('events/')) {
  test(`entries of ${file.replace('.json', '')} decode as on the day they were published`, (t) => {
    for (const { fields, event } of goldenEntries.parse(JSON.parse(readGolden(`events/${file}`)))) {
      const [outcome] = decodeAll(fields);
      t.deepEqual(known(outcome?.event), event);
      const wire = Object.fromEntries(
        fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : [])),
      );
      t.deepEqual(known(decodeAll(['events', JSON.stringify([wire])])[0]?.event), event);
    }
  });
}

/** Without the fields that are not there: JSON has no `undefined`. */
function known(event: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event ?? {}).filter(([, value]) => value !== undefined));
}

test('every event type has a golden file', (t) => {
  t.deepEqual(listGolden('events/'), EVENT_TYPES.map(({ type }) => `${type}.json`).toSorted());
});
