// `npm run test:matrix [-- NAME …]`: runs test/matrix with each server and Node.js below, one after the other, and prints a
// table. A server that cannot be had is a failure, not an omission. NAME chooses rows: `valkey-9`, or `node-24`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startPrivateRedis } from '@streamfold/private-servers';
import { findProgram } from './setup/find-program.mjs';
import { provideNode } from './setup/provide-node.mjs';
import { provideServers } from './setup/provide-servers.mjs';
import { SERVERS } from './setup/servers.mjs';
import { SetupError } from './setup/setup-error.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const AVA = join(ROOT, 'node_modules/ava/entrypoints/cli.mjs');

/** Each server with the oldest Node.js, and each newer Node.js with one server: their faults hardly depend on each other. */
const ROWS = [
  { server: 'redis-7.0', node: 20 },
  { server: 'redis-8', node: 20 },
  { server: 'valkey-8', node: 20 },
  { server: 'valkey-9', node: 20 },
  { server: 'valkey-9', node: 22 },
  { server: 'redis-8', node: 24 },
];

const args = process.argv.slice(2);
const chosen = args.filter((arg) => !arg.startsWith('--'));
const rows = ROWS.filter(
  ({ server, node }) => chosen.length === 0 || chosen.includes(server) || chosen.includes(`node-${node}`),
);
if (rows.length === 0) {
  const known = [...new Set(ROWS.flatMap(({ server, node }) => [server, `node-${node}`]))];
  console.error(`npm run test:matrix: expected names out of ${known.join(', ')}; got ${chosen.join(', ')}`);
  process.exit(2);
}

const results = [];
for (const [at, row] of rows.entries()) {
  const title = `[${at + 1}/${rows.length}] ${row.server}, Node ${row.node}`;
  console.log(`${title} …`);
  const startedMs = performance.now();
  const result = await runRow(row).catch((error) => {
    if (!(error instanceof SetupError)) throw error;
    console.log(`${error.step}: ${error.message}`);
    return { version: 'not provided', node: '', passed: 0, failed: 1 };
  });
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  results.push({ ...row, ...result, seconds });
  console.log(`${title}: ${result.passed} passed, ${result.failed} failed, ${seconds} s`);
}
printTable();
const passed = results.reduce((sum, each) => sum + each.passed, 0);
const failed = results.reduce((sum, each) => sum + each.failed, 0);
if (args.includes('--tap')) console.log(`# pass ${passed}\n# fail ${failed}`);
process.exitCode = failed === 0 ? 0 : 1;

/** Provides the server and Node.js, asks the server what it is, and runs the tests. */
async function runRow({ server, node }) {
  await provideServers(server);
  const program = await provideNode(node);
  const path = await findProgram(SERVERS[server].programs[0]);
  process.env.STREAMFOLD_TEST_SERVER = path; // of the tests, and of the server that is asked
  const version = await askVersion();
  if (!`${version}.`.toLowerCase().startsWith(`${server.replace('-', ' ')}.`))
    throw new SetupError(`checking ${server}`, `Expected ${server} in ${path}; got ${version}.`);
  return { version, ...(await runTests(program)) };
}

/** Product and version, as the server reports them: `Valkey 9.1.2`. */
async function askVersion() {
  const server = await startPrivateRedis();
  try {
    const socket = createConnection(server.port, '127.0.0.1');
    socket.end('INFO server\r\nQUIT\r\n');
    const info = await text(socket);
    const [, valkey] = /^valkey_version:(\S+)/m.exec(info) ?? [];
    const [, redis] = /^redis_version:(\S+)/m.exec(info) ?? [];
    return valkey === undefined ? `Redis ${redis}` : `Valkey ${valkey}`;
  } finally {
    await server.stop();
  }
}

async function runTests(program) {
  const child = spawn(program, [AVA, '--config', 'matrix.config.js', '--tap'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
  const [output, complaints, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const tests = output.split(/^(?=(?:not )?ok )/m);
  const failures = tests.filter((each) => each.startsWith('not ok '));
  const passes = tests.filter((each) => each.startsWith('ok '));
  // A run that ends before its tests do has failed, however few of them had failed until then.
  const broken = code !== 0 && failures.length === 0 ? 1 : 0;
  if (code !== 0) console.log([...failures, complaints].join('\n'));
  return { passed: passes.length, failed: failures.length + broken, node: await askNode(program) };
}

async function askNode(program) {
  return (await text(spawn(program, ['--version']).stdout)).trim();
}

function printTable() {
  const heads = ['server', 'reports', 'Node', 'passed', 'failed', 'seconds'];
  const lines = results.map((each) => [
    each.server,
    each.version,
    each.node,
    each.passed,
    each.failed,
    each.seconds,
  ]);
  const widths = heads.map((head, at) =>
    Math.max(...[head, ...lines.map((line) => String(line[at]))].map(({ length }) => length)),
  );
  console.log();
  for (const line of [heads, ...lines])
    console.log(
      line
        .map((cell, at) => (at < 3 ? String(cell).padEnd(widths[at]) : String(cell).padStart(widths[at])))
        .join('  '),
    );
}
