import { test } from '../harness/ava.ts';
import { SETTINGS, type Setting } from 'streamfold';
import { runStreamfold } from '../harness/run-streamfold.ts';

const COMMANDS = [
  'serve',
  'demo',
  'publish',
  'status',
  'verify',
  'rebuild',
  'dead-letters',
  'archive',
  'cleanup',
  'doctor',
];
/** Nobody listens there: a command that is refused for its usage never connects. */
const NOWHERE = 'redis://127.0.0.1:1';

const BAD_USAGE: readonly (readonly [line: string, stderr: RegExp])[] = [
  ['frobnicate', /^streamfold: unknown command "frobnicate"; expected one of serve, demo, .*doctor$/],
  ['statsu', /^streamfold: unknown command "statsu"; .*: did you mean status\?$/],
  ['archive', /^streamfold: STREAMFOLD_ARCHIVE \(--archive\): expected the location of the archive; got nothing$/],
  ['archive --archive ftp://h/x', /^streamfold: archive: expected s3:\/\/bucket\/prefix, file:\/\/\/path or a path; got "ftp:\/\/h\/x"$/],
  ['archive --archive s3://', /^streamfold: archive: expected s3:\/\/bucket\/prefix, .*; got "s3:\/\/"$/],
  ['archive check', /^streamfold: STREAMFOLD_ARCHIVE \(--archive\): expected the location of the archive; got nothing$/],
  ['archive restor', /^streamfold archive: unexpected argument "restor"; expected none$/],
  ['replay', /^streamfold: unknown command "replay"; expected one of /],
  ['--frobnicate', /^streamfold: unknown option --frobnicate; expected one that streamfold --help shows$/],
  ['--redis x status', /^streamfold: option --redis: expected after a command, .*; got it before$/],
  ['serve --prot 3', /^streamfold serve: unknown option --prot; .*: did you mean --port\?$/],
  ['serve extra', /^streamfold serve: unexpected argument "extra"; expected none$/],
  ['serve --port', /^streamfold serve: --port <port>: expected a value; got none$/],
  ['serve --port 3.5', /^streamfold: STREAMFOLD_PORT \(--port\): expected a whole number from 0 to 65535; got "3.5"$/],
  ['serve --port 65536', /^streamfold: STREAMFOLD_PORT \(--port\): expected a whole number from 0 to 65535; got "65536"$/],
  ['serve --role leader', /^streamfold: STREAMFOLD_ROLE \(--role\): expected one of all, fold, serve; got "leader"$/],
  ['status --shards 0', /^streamfold: STREAMFOLD_SHARDS \(--shards\): expected a whole number from 1 to 1024; got "0"$/],
  ['status --prefix a{b}', /^streamfold: STREAMFOLD_PREFIX \(--prefix\): expected 1 to 128 characters .*; got "a\{b\}"$/],
  ['status --redis localhost', /^streamfold: STREAMFOLD_REDIS_URL \(--redis\): expected a URL redis:.*; got "localhost"$/],
  ['status --redis redis://h:99999', /^streamfold: STREAMFOLD_REDIS_URL \(--redis\): expected redis:.*; got "redis:\/\/h:99999"$/],
  ['status --json=1', /^streamfold status: --json: expected no value; got "1"$/],
  ['dead-letters lst', /^streamfold dead-letters: unknown command "lst"; .*: did you mean list\?$/],
  ['dead-letters retry', /^streamfold: dead-letters retry: expected IDs, --reason or --all; got none of them$/],
  ['dead-letters drop', /^streamfold: dead-letters drop: expected IDs, --reason or --all; got none of them$/],
  ['dead-letters drop 0/1-1 --all', /^streamfold: dead-letters drop: expected IDs, or else --reason or --all; got both$/],
  ['dead-letters drop 5', /^streamfold: ID: expected shard\/ID as list shows it; got "5"$/],
  ['dead-letters drop 1/1-1', /^streamfold: ID: expected shard\/ID as list shows it; got "1\/1-1"$/],
  ['dead-letters list --reason bad', /^streamfold: STREAMFOLD_REASON \(--reason\): expected one of too_large, .*; got "bad"$/],
  ['publish', /^streamfold: arguments: expected TYPE field=value …, or --stdin; got none$/],
]; // prettier-ignore

for (const [line, stderr] of BAD_USAGE) {
  test(`"streamfold ${line}" is refused in one line, with exit code 2`, async (t) => {
    const run = await runStreamfold(line.split(' '), { env: { STREAMFOLD_REDIS_URL: NOWHERE } });
    t.regex(run.stderr.replace(/\n$/, ''), stderr);
    t.like(run, { code: 2, stdout: '' });
  });
}

test('without a command the usage is shown, with exit code 2', async (t) => {
  for (const args of [[], ['dead-letters']]) {
    const run = await runStreamfold(args);
    t.like(run, { code: 2, stdout: '' });
    t.true(run.stderr.startsWith(`Usage: ${['streamfold', ...args].join(' ')} `));
  }
});

test('--help names every command, and --version is the version alone', async (t) => {
  const help = await runStreamfold(['--help']);
  t.like(help, { code: 0, stderr: '' });
  for (const command of COMMANDS) t.regex(help.stdout, new RegExp(`^  ${command} `, 'm'));
  const version = await runStreamfold(['--version']);
  t.like(version, { code: 0, stderr: '' });
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test('--help of each command names --redis, and the variable of every option that has one', async (t) => {
  const commands = [
    ...COMMANDS.filter((command) => command !== 'dead-letters').map((command) => [command]),
    ...['list', 'retry', 'drop'].map((verb) => ['dead-letters', verb]),
    ...['restore', 'check'].map((verb) => ['archive', verb]),
  ];
  const sources = new Map<string, string>(
    Object.values<Setting>(SETTINGS).map(({ flag, variable, oneShot }) => [
      flag,
      oneShot === true ? 'only on the command line' : variable,
    ]),
  );
  for (const command of commands) {
    const { code, stdout } = await runStreamfold([...command, '--help']);
    t.is(code, 0);
    const flags = [...stdout.matchAll(/^ +(--[a-z0-9-]+)/gm)].map(([, flag]) => flag ?? '');
    t.true(flags.includes('--redis'));
    for (const flag of flags) t.true(stdout.replace(/\s+/g, ' ').includes(`(${sources.get(flag)}`), flag);
  }
});

test('every option has a variable of its own that starts with STREAMFOLD_', (t) => {
  const variables = Object.values(SETTINGS).map(({ variable }) => variable);
  t.is(new Set(variables).size, variables.length);
  for (const variable of variables) t.true(variable.startsWith('STREAMFOLD_'));
});

const ONE_SHOT = [
  ['dead-letters drop', 'STREAMFOLD_ALL'],
  ['dead-letters retry', 'STREAMFOLD_REASON'],
  ['rebuild', 'STREAMFOLD_FORCE'],
  ['rebuild', 'STREAMFOLD_CANCEL'],
  ['cleanup', 'STREAMFOLD_DRY_RUN'],
  ['archive --archive /nowhere', 'STREAMFOLD_ACCEPT_GAP'],
] as const;

test('a flag that drops, forces or skips works only on the command line: a variable of its name is refused', async (t) => {
  for (const [line, variable] of ONE_SHOT) {
    const env = { [variable]: variable === 'STREAMFOLD_REASON' ? 'too_large' : 'true' };
    const run = await runStreamfold([...line.split(' '), '--redis', NOWHERE], { env });
    t.like(run, { code: 2, stdout: '' });
    t.regex(
      run.stderr,
      new RegExp(
        `^streamfold: ${variable}: expected --.* on the command line only; got the variable, .*: unset it\n$`,
      ),
    );
  }
  const other = await runStreamfold(['status', '--redis', NOWHERE], { env: { STREAMFOLD_FORCE: 'true' } });
  t.is(other.code, 1, 'a command without this flag ignores the variable');
});

test('a variable means the same as its flag, and the flag overrides it', async (t) => {
  const bad = { STREAMFOLD_REDIS_URL: 'nonsense', STREAMFOLD_SHARDS: 'many' };
  const byVariable = await runStreamfold(['status', '--redis', NOWHERE], { env: bad });
  t.is(byVariable.code, 2);
  t.regex(byVariable.stderr, /^streamfold: STREAMFOLD_SHARDS .*; got "many"$/m);
  const byFlag = await runStreamfold(['status', '--redis', NOWHERE, '--shards', '1'], { env: bad });
  t.is(byFlag.code, 1);
  t.is(
    byFlag.stderr,
    `streamfold: Redis: expected an answer at ${NOWHERE}; got ECONNREFUSED: start Redis there, or correct the address\n`,
  );
});

test('a password is never shown, whatever is wrong with the URL', async (t) => {
  for (const url of [
    'http://user:hush@host',
    'redis://user:hu/sh@127.0.0.1:1',
    'redis://:hush@127.0.0.1:1',
  ]) {
    const { code, stderr } = await runStreamfold(['status', '--redis', url]);
    t.not(code, 0);
    t.notRegex(stderr, /hu\/?sh/);
  }
});
