import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '../harness/ava.ts';
import { runStreamfold, serveHere } from '../harness/run-streamfold.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { scrape } from '../harness/scrape.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);
const folder = mkdtempSync(join(tmpdir(), 'streamfold-configuration-'));

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const CONTENT = `{
  metrics: { signals_sent_total: { labels: { keep: ['signal_type'] } } },
  custom: [{ type: 'counter', name: 'handoffs_total', help: 'Signals by sender.', event: 'signal.sent', labels: ['sender_id'] }],
}`;

const FILES: Record<string, string> = {
  'a.ts': `import { defineConfig, type StreamfoldConfiguration } from 'streamfold';
const configuration: StreamfoldConfiguration = ${CONTENT}; export default defineConfig(configuration);`,
  'a.mjs': `export default ${CONTENT};`,
  'a.json': JSON.stringify({
    metrics: { signals_sent_total: { labels: { keep: ['signal_type'] } } },
    custom: [
      { type: 'counter', name: 'handoffs_total', help: 'x', event: 'signal.sent', labels: ['sender_id'] },
    ],
  }),
};
FILES['byte-order-mark.json'] = `\uFEFF${FILES['a.json']}`;

for (const [name, text] of Object.entries(FILES)) {
  test(`serve folds with a configuration file: ${name}`, async (t) => {
    const prefix = `t-${name}`;
    const serving = await serveHere(redisUrl, {
      STREAMFOLD_CONFIG: await write(name, text),
      STREAMFOLD_PREFIX: prefix,
    });
    t.teardown(serving.stop);
    const event = ['type', 'signal.sent', 'swarm_id', 's', 'sender_id', 'a', 'receiver_id', 'b'];
    await redis.xadd(`${prefix}:{0}:events`, '*', ...event, 'signal_type', 'handoff');
    await waitUntilFolded(redis, { prefix });
    const samples = await scrape(serving.url);
    t.is(samples.get('signals_sent_total{signal_type="handoff"}'), '1');
    t.is(samples.get('handoffs_total{sender_id="a"}'), '1');
  });
}

const REFUSED: readonly [name: string, text: string | undefined, why: RegExp][] = [
  ['none.json', undefined, /none\.json: expected a file; there is none\n$/],
  ['bad.json', '{', /bad\.json: .*JSON.*\n$/],
  ['bad.ts', 'export default {', /bad\.ts: .+\n$/],
  ['empty.mjs', 'export const x = 1;', /empty\.mjs: expected an export default; there is none\n$/],
  ['other.yaml', 'a: 1', /other\.yaml: expected a name that ends in \.ts, \.js, \.mjs or \.json\n$/],
  [
    'two.json',
    '{"colour":1,"cardinality":{"limit":"many"}}',
    /two\.json: cardinality\.limit: expected a whole number; got "many"; also expected one of metrics, custom, cardinality; got "colour"\n$/,
  ],
];

for (const [name, text, why] of REFUSED) {
  test(`an invalid configuration file ends serve with one line and exit code 2: ${name}`, async (t) => {
    const path = text === undefined ? join(folder, name) : await write(name, text);
    const run = await runStreamfold(['serve', '--redis', redisUrl, '--port', '0', '--config', path]);
    t.is(run.code, 2);
    t.regex(run.stderr, why);
    t.is(run.stderr.split('\n').length, 2);
  });
}
