import type { Writable } from 'node:stream';
import { Command as Commander } from 'commander';
import type { Command } from './environment.ts';
import type { StartingCommand } from './host.ts';
import type { SettingName } from './settings.ts';
import { toOption } from './to-option.ts';
import { toUsageError } from './usage-error.ts';

type Flags = Readonly<Record<string, string | boolean | undefined>>;
/** The command, loaded when it is chosen: help and errors need not wait for all of them. */
type Load = () => Promise<Command>;

/** The command and options of the command line. */
export interface Choice extends StartingCommand {
  readonly load: Load;
  readonly flags: Flags;
  /** Names of the settings that the command takes. */
  readonly taken: ReadonlySet<string>;
  readonly args: readonly string[];
}

type Run = (choice: Choice) => Promise<void>;

/** Commands that run until they are stopped; the others end by themselves. */
const LASTING: ReadonlySet<string> = new Set(['serve', 'demo', 'rebuild', 'archive', 'restore']);

/** Commands that fold a whole log again, beside the aggregators that fold what is published meanwhile. */
const BACKGROUND: ReadonlySet<string> = new Set(['rebuild', 'verify', 'backfill']);

const LOAD = {
  serve: async () => (await import('./command/serve.ts')).serve,
  demo: async () => (await import('./command/demo.ts')).demo,
  publish: async () => (await import('./command/publish.ts')).publish,
  status: async () => (await import('./command/status.ts')).status,
  verify: async () => (await import('./command/verify.ts')).verify,
  rebuild: async () => (await import('./command/rebuild.ts')).rebuild,
  list: async () => (await import('./command/dead-letters.ts')).deadLetters('list'),
  retry: async () => (await import('./command/dead-letters.ts')).deadLetters('retry'),
  drop: async () => (await import('./command/dead-letters.ts')).deadLetters('drop'),
  archive: async () => (await import('./command/archive.ts')).archive,
  restore: async () => (await import('./command/archive-restore.ts')).archiveRestore,
  check: async () => (await import('./command/archive-check.ts')).archiveCheck,
  backfill: async () => (await import('./command/backfill.ts')).backfillCommand,
  cleanup: async () => (await import('./command/cleanup.ts')).cleanup,
  doctor: async () => (await import('./command/doctor.ts')).doctor,
} as const satisfies Record<string, Load>;

/** Settings of every command. */
const COMMON: readonly SettingName[] = ['redis', 'prefix', 'shards'];

/** Settings that locate the archive. */
const ARCHIVE: readonly SettingName[] = ['archive', 's3Endpoint', 's3Region', 's3PathStyle'];

const FOOTER = `
Every option has an environment variable, named in its help; options win.
Exit codes: 0 done, 1 it failed or found a difference, 2 it was called wrongly.
Docs: docs/reference/cli.md, docs/reference/configuration.md`;

export interface ProgramOptions {
  readonly version: string;
  /** The list of event types that the help of `publish` shows. */
  readonly eventTypes: string;
  /** For help and version that were asked for. */
  readonly stdout: Writable;
  /** For the help that is shown if no command was given. */
  readonly stderr: Writable;
}

/**
 * The command line: commands, their options and help. `run` is called with what was chosen.
 *
 * Parsing throws `UsageError` if the usage is wrong, and `CommanderError` after help or version was shown.
 */
export function createProgram({ version, eventTypes, stdout, stderr }: ProgramOptions, run: Run): Commander {
  const program = new Commander('streamfold')
    .description(
      'Event-sourced metrics over Redis Streams: folds lifecycle events exactly once, serves them to Prometheus.',
    )
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: () => undefined,
    })
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText('after', FOOTER);
  failUsefully(program);

  const add: Add = (name, own, into = program) => {
    const added = into.command(name).action(async (...received: unknown[]) => {
      const self = received.at(-1) as Commander;
      await run({
        load: LOAD[name],
        lasting: LASTING.has(name),
        background: BACKGROUND.has(name),
        flags: self.optsWithGlobals<Flags>(),
        taken: new Set(self.options.map((option) => option.attributeName())),
        args: self.args,
      });
    });
    for (const setting of own) added.addOption(toOption(setting));
    for (const setting of COMMON) added.addOption(toOption(setting).helpGroup('Options of every command:'));
    return failUsefully(added.helpOption('-h, --help', 'show this help').allowExcessArguments(false));
  };

  addRunning(add, eventTypes);
  addLogCommands(add);
  addDeadLetters(program, add);
  addArchive(add);
  addChores(add);
  return program;
}

type Add = (name: keyof typeof LOAD, own: readonly SettingName[], into?: Commander) => Commander;

function addRunning(add: Add, eventTypes: string): void {
  add('serve', [
    'host',
    'port',
    'consumer',
    'role',
    'claimIdleMs',
    'batchEntries',
    'deadLettersMost',
    'monitorGraceMs',
    'endedForHours',
    'archiveEverySeconds',
    'archiveAfterSeconds',
    'retentionHours',
    ...ARCHIVE,
    'generationGraceMs',
    'acceptLostState',
    'config',
    'logLevel',
  ])
    .summary('aggregate: fold events and serve the metrics until SIGTERM or SIGINT')
    .description(
      'Runs an aggregator: consumes events, folds them exactly once, serves HTTP. Start as many as you like.',
    )
    .addHelpText('after', examples('streamfold serve --redis redis://127.0.0.1:6379 --port 3000'));
  add('demo', ['host', 'port', 'seconds', 'scenario', 'coordinatorsOnly'])
    .summary('everything on this machine: Redis, two aggregators, a swarm; shows live numbers')
    .description(
      'Starts a private Redis (or uses the one that --redis names), two aggregators and a swarm of coordinators, and stops them when it ends.',
    )
    .addHelpText(
      'after',
      examples(
        'streamfold demo',
        'streamfold demo --seconds 60',
        'streamfold demo --scenario trouble',
        'streamfold demo --coordinators-only --redis redis://127.0.0.1:6379',
      ),
    );
  add('publish', ['stdin', 'waitReplicas', 'waitDisk', 'waitMs', 'json'])
    .argument('[type]', 'type of the event')
    .argument('[fields...]', 'field=value …')
    .summary('append an event, or many from standard input')
    .description(
      'Appends events and prints entry IDs. If one is invalid, nothing is appended and the exit code is 2.',
    )
    .addHelpText('after', `\n${eventTypes}`)
    .addHelpText(
      'after',
      examples(
        'streamfold publish signal.sent swarm_id=s1 sender_id=a receiver_id=b signal_type=handoff',
        'streamfold publish --stdin < events.ndjson',
        'streamfold publish --stdin --wait-replicas 1 < events.ndjson',
      ),
    );
}

function addLogCommands(add: Add): void {
  add('status', ['json'])
    .summary('show streams, lag, consumers, dead letters and coordinators')
    .description(
      'Shows shards, streams, generations, consumers, lag, pending, dead letters and coordinators. Changes nothing.',
    );
  add('verify', [...ARCHIVE, 'config', 'replica', 'json'])
    .summary('fold the log independently and compare with the live state')
    .description(
      'Folds the log independently of the live state and compares the two; with --replica also the output of aggregators. Exit code 0 if all are equal bit for bit, 1 with the differences if not. Changes nothing; aggregators may keep running.',
    )
    .addHelpText(
      'after',
      examples('streamfold verify', 'streamfold verify --replica http://a:3000 --replica http://b:3000'),
    );
  add('rebuild', ['config', ...ARCHIVE, 'force', 'cancel', 'claimIdleMs', 'batchEntries', 'json'])
    .summary('fold everything again, with other definitions or the same, and switch to it')
    .description(
      'Folds the log again into a new generation, by the definitions of the configuration file; aggregators help. When it has caught up, it becomes live in one step; until then the old one is served. With unchanged definitions both must be equal. You can stop or kill it, and run it again to resume. Exit code 1 if nothing was switched.',
    )
    .addHelpText('after', examples('streamfold rebuild', 'streamfold rebuild --cancel'));
}

function addChores(add: Add): void {
  add('backfill', ['config', ...ARCHIVE, 'step', 'from', 'until', 'metrics', 'labels', 'output'])
    .summary('write past values of the metrics, for promtool tsdb create-blocks-from')
    .description(
      'Replays the log into OpenMetrics with timestamps: what a scrape would have shown at each step. Changes nothing; aggregators may run meanwhile.',
    )
    .addHelpText(
      'after',
      examples(
        'streamfold backfill --from 2026-11-01 --until 2026-11-24 --output past.om',
        'promtool tsdb create-blocks-from openmetrics past.om /var/lib/prometheus',
      ),
    );
  add('cleanup', ['endedForHours', 'dryRun', 'json'])
    .summary('remove the keys of coordinators that ended long ago')
    .description(
      'Removes the keys of ended coordinators, in bounded steps, by exact name. Keeps coordinators with remaining work or signals. Aggregators do the same automatically. Exit code 1 if a record was refused.',
    )
    .addHelpText('after', examples('streamfold cleanup --dry-run'));
  add('doctor', ['acl', 'json'])
    .summary('check that Redis meets the requirements of the guarantees')
    .description(
      'Checks version, role, persistence, maxmemory-policy, permissions and clock of Redis, of every node of a Cluster. Says whether publishing, folding and coordinating work. Exit code 1 if a guarantee cannot be kept. Changes nothing.',
    )
    .addHelpText('after', examples('streamfold doctor', 'streamfold doctor --acl > users.redis'));
}

function addDeadLetters(program: Commander, add: Add): void {
  const dead = program
    .command('dead-letters')
    .summary('list, retry or drop undecodable events')
    .description(
      'Undecodable events and their reasons. Retry them after a fix. You must name the dead letters to retry or drop.',
    )
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command');
  failUsefully(dead);
  add('list', ['limit', 'reason', 'json'], dead)
    .summary('list dead letters with their reasons')
    .description('Lists dead letters, oldest first, with their reasons. With --json one object per line.');
  add('retry', ['reason', 'all', 'json'], dead)
    .argument('[ids...]', 'as list shows them: shard/ID')
    .summary('append the events again, as new entries, and drop the dead letters')
    .description(
      'Appends each event again, once, as a new entry of the shard it belongs to, and drops the dead letter. Events that still cannot be decoded stay, and the exit code is 1.',
    )
    .addHelpText('after', examples('streamfold dead-letters retry --reason wrong_shard'));
  add('drop', ['reason', 'all', 'json'], dead)
    .argument('[ids...]', 'as list shows them: shard/ID')
    .summary('drop dead letters permanently')
    .addHelpText('after', examples('streamfold dead-letters drop 0/1700000000000-0'));
}

function addArchive(add: Add): void {
  const archive = add('archive', [
    ...ARCHIVE,
    'archiveAfterSeconds',
    'retentionHours',
    'acceptGap',
    'adopt',
    'beginNew',
    'discardUnrecorded',
    'dryRun',
    'json',
  ])
    .enablePositionalOptions() // options after the name of a subcommand belong to it
    .summary('write the log to files; trim archived and folded entries')
    .description(
      'Writes closed ranges of each stream to compressed files, and trims entries that are archived, folded by every generation and older than the retention. Runs once; serve does it on a schedule. Several can run at once.',
    )
    .addHelpText(
      'after',
      examples(
        'streamfold archive --archive /var/lib/streamfold/archive',
        'streamfold archive --archive s3://bucket/streamfold --retention-hours 24',
        'streamfold archive check --archive /var/lib/streamfold/archive',
      ),
    );
  add('restore', [...ARCHIVE, 'retentionHours', 'json'], archive)
    .summary('append the entries of an archive to an empty Redis, unchanged')
    .description(
      'Appends all entries of the archive to an empty Redis with their original IDs; aggregators fold them like live ones. Nothing may publish meanwhile. If interrupted, the same command resumes.',
    );
  add('check', [...ARCHIVE, 'json'], archive)
    .summary('read every segment and compare it with its manifest')
    .description(
      'Reads every segment of the archive and compares length and SHA-256 with its manifest, and each manifest with the one before it. Exit code 1 if a range is missing or damaged. Does not use Redis.',
    );
}

/** Turns a refusal of the parser into a `UsageError` of the command that was called. */
function failUsefully(command: Commander): Commander {
  return command.exitOverride((error) => {
    throw error.exitCode === 0 || error.code === 'commander.help' ? error : toUsageError(error, command);
  });
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
