import { Command as Commander } from 'commander';
import { cleanup } from './command/cleanup.ts';
import { deadLetters } from './command/dead-letters.ts';
import { demo } from './command/demo.ts';
import { doctor } from './command/doctor.ts';
import { publish } from './command/publish.ts';
import { serve } from './command/serve.ts';
import { status } from './command/status.ts';
import { verify } from './command/verify.ts';
import type { Command } from './environment.ts';
import { toOption, type SettingName } from './settings.ts';

type Flags = Readonly<Record<string, string | boolean | undefined>>;
type Run = (command: Command, flags: Flags, args: readonly string[]) => Promise<void>;

const COMMON: readonly SettingName[] = ['redis', 'prefix', 'shards'];

/** The command line: commands, their options and help. `run` is called with the command that was chosen. */
export function createProgram(version: string, run: Run): Commander {
  const program = new Commander('streamfold')
    .description(
      'Event-sourced metrics over Redis Streams: folds lifecycle events exactly once, serves them to Prometheus.',
    )
    .version(version)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: () => undefined })
    .addHelpText(
      'after',
      '\nEvery option has an environment variable, named in its help. Docs: docs/cli.md, docs/configuration.md',
    );

  const add = (name: string, command: Command, own: readonly SettingName[], into = program): Commander => {
    const added = into.command(name).action(async (...received: unknown[]) => {
      const self = received.at(-1) as Commander;
      await run(command, self.opts<Flags>(), self.args);
    });
    for (const setting of [...COMMON, ...own]) added.addOption(toOption(setting));
    return added.allowExcessArguments(false);
  };

  add('serve', serve, [
    'host',
    'port',
    'consumer',
    'role',
    'claimIdleMs',
    'batchEntries',
    'monitorGraceMs',
    'logLevel',
  ])
    .summary('aggregate: fold events and serve the metrics until SIGTERM or SIGINT')
    .description('Runs an aggregator: consumes, folds exactly once, serves HTTP. Start as many as you like.')
    .addHelpText('after', example('streamfold serve --redis redis://127.0.0.1:6379 --port 3000'));
  add('demo', demo, ['host', 'port', 'seconds'])
    .summary('everything on this machine: Redis, two aggregators, a swarm; shows live numbers')
    .description('Starts a private Redis (or uses --redis), two aggregators and a swarm of coordinators.')
    .addHelpText('after', example('streamfold demo --seconds 60'));
  add('publish', publish, ['stdin'])
    .argument('[type]', 'type of the event')
    .argument('[fields...]', 'field=value …')
    .summary('append an event, or many from standard input')
    .description(
      'Appends events and prints entry IDs. Where one is invalid, nothing is appended and the exit code is 2.',
    )
    .addHelpText(
      'after',
      example('streamfold publish signal.sent swarm_id=s1 sender_id=a receiver_id=b signal_type=handoff'),
    );
  add('status', status, ['json']).summary('show streams, lag, consumers, dead letters and coordinators');
  add('verify', verify, ['json'])
    .summary('fold the log independently and compare with the live state')
    .description('Exit code 0 where both are equal bit for bit, 1 with the differences where they are not.');
  const dead = program.command('dead-letters').summary('list, retry or drop what could not be folded');
  add('list', deadLetters('list'), ['limit', 'reason', 'json'], dead).summary(
    'list dead letters and why they are',
  );
  add('retry', deadLetters('retry'), ['reason', 'all'], dead)
    .argument('[ids...]', 'as list shows them: shard/ID')
    .summary('append the events again, as new entries, and drop the dead letters');
  add('drop', deadLetters('drop'), ['reason', 'all'], dead)
    .argument('[ids...]', 'as list shows them: shard/ID')
    .summary('drop dead letters for good');
  add('cleanup', cleanup, ['endedForHours', 'dryRun', 'json'])
    .summary('remove what coordinators left whose lives ended long ago')
    .description(
      'Removes the keys of ended coordinators, in bounded steps, by exact name. What has work or signals left is kept. Exit code 1 where a record was refused.',
    )
    .addHelpText('after', example('streamfold cleanup --dry-run'));
  add('doctor', doctor, ['json']).summary('check Redis for what the guarantees need');
  return program;
}

function example(line: string): string {
  return `\nExample:\n  ${line}`;
}
