import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '../harness/ava.ts';
import { readSigningSettings } from '@streamfold/coordination';

const SECRET = 'a-secret-of-thirty-two-characters';

test('without settings nothing is signed, and no signature is required', (t) => {
  t.deepEqual(readSigningSettings({}), { keys: [], requireSignatures: false });
});

test('keys come from the environment, the first one first', (t) => {
  const settings = readSigningSettings({
    STREAMFOLD_SIGNING_KEYS: `new:${SECRET}, old:${SECRET}:with:colons`,
    STREAMFOLD_REQUIRE_SIGNATURES: 'true',
  });
  t.deepEqual(settings, {
    keys: [
      { id: 'new', secret: SECRET },
      { id: 'old', secret: `${SECRET}:with:colons` },
    ],
    requireSignatures: true,
  });
});

test('keys come from a file', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-keys-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const file = join(directory, 'keys');
  await writeFile(file, `k1:${SECRET}\n`);
  t.deepEqual(readSigningSettings({ STREAMFOLD_SIGNING_KEYS_FILE: file }).keys, [
    { id: 'k1', secret: SECRET },
  ]);
});

test('invalid settings are refused in one line that shows no secret', (t) => {
  for (const environment of [
    { STREAMFOLD_SIGNING_KEYS: SECRET },
    { STREAMFOLD_SIGNING_KEYS: `k:${SECRET}`, STREAMFOLD_SIGNING_KEYS_FILE: '/nowhere' },
    { STREAMFOLD_SIGNING_KEYS_FILE: '/nowhere' },
    { STREAMFOLD_REQUIRE_SIGNATURES: 'yes', STREAMFOLD_SIGNING_KEYS: `k:${SECRET}` },
    { STREAMFOLD_REQUIRE_SIGNATURES: 'true' },
  ]) {
    const error = t.throws(() => readSigningSettings(environment), { name: 'ConfigurationError' });
    t.regex(error?.message ?? '', /^[^\n]*expected [^\n]*got [^\n]*$/);
    t.false(error?.message.includes(SECRET));
  }
});
