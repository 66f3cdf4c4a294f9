import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError } from 'commander';
import type { Environment, ExitCode } from './environment.ts';
import type { Host } from './host.ts';
import { createProgram, type Choice } from './program.ts';
import { UsageError } from './usage-error.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Runs the program to its end. Failures are written to `stderr` in one line; it never rejects. */
export async function runProgram(host: Host): Promise<ExitCode> {
  const { args, stdout, stderr } = host;
  let exitCode: ExitCode = 0;
  try {
    const eventTypes = await readEventTypes(host);
    const program = createProgram({ version, eventTypes, stdout, stderr }, async (choice) => {
      const environment = await createEnvironment(host, choice);
      host.starting(choice);
      const command = await choice.load();
      exitCode = await command(environment, choice.args);
    });
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, host);
  }
}

/** Loads the parser and the Redis client only when a command runs: help needs neither. */
async function createEnvironment(host: Host, { flags, taken }: Choice): Promise<Environment> {
  const { stdin, stdout, stderr } = host;
  const { resolveConfiguration } = await import('./configuration.ts');
  return {
    configuration: resolveConfiguration(flags, host.variables, taken),
    stop: host.stop,
    write: async (written) => {
      if (!stdout.write(written)) await once(stdout, 'drain');
    },
    print: (line) => stdout.write(`${line}\n`),
    printError: (line) => stderr.write(`${line}\n`),
    terminal: stdout.isTTY === true,
    typed: stdin.isTTY === true,
    version,
    listening: host.listening,
    now: () => performance.now(),
    localTimeMs: () => Date.now(),
    random: Math.random,
    createId: randomUUID,
    pause: async (ms, signal) => {
      await sleep(ms, undefined, { signal }).catch(() => undefined); // aborted: the pause is over
    },
    readStdin: () => text(stdin),
  };
}

/** Only the help of `publish` lists them, so no other help loads the package of the events. */
async function readEventTypes({ args }: Host): Promise<string> {
  return args.includes('publish') ? (await import('./list-event-types.ts')).listEventTypes() : '';
}

/** One line. If Redis refuses a command, it also names the command that lists the missing permissions. */
async function report(error: unknown, { stderr, variables }: Host): Promise<ExitCode> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // help or version was shown
  if (error instanceof UsageError) {
    stderr.write(`${error.message}\n`);
    return 2;
  }
  const { ConfigurationError, saysNoPermission } = await import('@streamfold/redis'); // loaded already if one was thrown
  const isConfiguration = error instanceof ConfigurationError;
  const failure = isConfiguration
    ? (await import('./name-settings.ts')).nameSettings(error)
    : messageOf(error);
  const [line = ''] = failure.split('\n');
  const hint = saysNoPermission(line) ? ' (streamfold doctor shows which permissions are missing)' : '';
  stderr.write(`streamfold: ${line}${hint}\n`);
  if (variables['STREAMFOLD_LOG_LEVEL'] === 'debug' && error instanceof Error)
    stderr.write(`${error.stack ?? ''}\n`);
  return isConfiguration ? 2 : 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
