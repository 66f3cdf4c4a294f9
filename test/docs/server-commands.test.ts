import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from '../harness/ava.ts';
import { findServer, startPrivateAlertmanager, startPrivateHttpServer } from '@streamfold/private-servers';

const run = promisify(execFile);
const ROOT = fileURLToPath(import.meta.resolve('../../../'));
const PAGES = ['docs/long-term.md', 'docs/alertmanager.md'];

/** Programs that keep running: their other names, where they listen, and the path that answers when they are ready. */
const SERVERS: Readonly<
  Record<string, { names: string[]; listen: (port: number) => string[]; ready: string }>
> = {
  prometheus: {
    names: ['prometheus'],
    listen: (port) => [`--web.listen-address=127.0.0.1:${port}`],
    ready: '/-/ready',
  },
  alertmanager: {
    names: ['alertmanager', 'prometheus-alertmanager'],
    listen: (port) => [`--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='],
    ready: '/-/ready',
  },
  'victoria-metrics': {
    names: ['victoria-metrics', 'victoria-metrics-prod'],
    listen: (port) => [`-httpListenAddr=127.0.0.1:${port}`],
    ready: '/health',
  },
};

/** Words of a command line; single quotes group words. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ''));
}

/** Lines of all shell blocks of a page. */
function readCommands(page: string): string[] {
  return [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^ *```sh\n([^]*?)^ *```/gm)]
    .flatMap(([, block = '']) => block.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Runs the command with its own port and folder, and stops it when it is ready. */
async function startAndStop(program: string, words: readonly string[]): Promise<void> {
  const { names, listen, ready } = SERVERS[program] ?? { names: [], listen: () => [], ready: '' };
  const binary = findServer(names);
  const server = await startPrivateHttpServer({
    name: program,
    files: new Map(),
    command: ({ directory, port }) => [
      binary,
      ...words.map((word) => word.replace(/(path|DataPath)=.*/, `$1=${directory}`)),
      ...listen(port),
    ],
    readyPath: ready,
  });
  await server.stop();
}

for (const page of PAGES) {
  test(`every command of ${page} runs as shown`, async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'streamfold-commands-'));
    t.teardown(() => rm(root, { recursive: true, force: true }));
    for (const folder of ['infra', 'alerts'])
      await cp(join(ROOT, folder), join(root, folder), { recursive: true });
    const alertmanager = await startPrivateAlertmanager(
      '{route: {receiver: none}, receivers: [{name: none}]}',
    );
    t.teardown(() => alertmanager.stop());

    for (const line of readCommands(page)) {
      const [program = '', ...words] = splitWords(line).map((word) =>
        word.replace(/(^|=)infra\//, `$1${root}/infra/`).replace('http://localhost:9093', alertmanager.url),
      );
      t.log(line);
      if (SERVERS[program] !== undefined) await startAndStop(program, words);
      else if (program === 'cat') await run('sh', ['-c', line], { cwd: root });
      else await run(findServer([program]), words);
    }
    t.true(readCommands(page).length > 4);
  });
}
