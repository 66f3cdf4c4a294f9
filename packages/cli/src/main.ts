import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationError } from '@streamfold/redis';
import { CommanderError } from 'commander';
import type { Environment, ExitCode } from './environment.ts';
import { createProgram } from './program.ts';
import { resolveConfiguration } from './settings.ts';

// The entry point: the only place that knows the real clock, randomness, the process and its signals.

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const stop = new AbortController();
const interrupt = (): void => {
  if (stop.signal.aborted) process.exit(130); // asked twice: now
  stop.abort();
};
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
process.once('disconnect', interrupt); // a parent that had started us with a channel is gone
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // whoever read us has read enough
  throw error;
});

function createEnvironment(flags: Readonly<Record<string, string | boolean | undefined>>): Environment {
  return {
    configuration: resolveConfiguration(flags, process.env),
    stop: stop.signal,
    print: (line) => process.stdout.write(`${line}\n`),
    printError: (line) => process.stderr.write(`${line}\n`),
    terminal: process.stdout.isTTY,
    version,
    now: () => performance.now(),
    localTimeMs: () => Date.now(),
    random: Math.random,
    createId: randomUUID,
    pause: async (ms, signal) => {
      await sleep(ms, undefined, { signal }).catch(() => undefined); // aborted: the pause is over
    },
    readStdin: () => text(process.stdin),
  };
}

async function main(): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = createProgram(version, async (command, flags, args) => {
    exitCode = await command(createEnvironment(flags), args);
  });
  try {
    await program.parseAsync();
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(error);
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`streamfold: ${message.split('\n')[0] ?? ''}\n`);
    if (process.env['STREAMFOLD_LOG_LEVEL'] === 'debug' && error instanceof Error) console.error(error.stack);
    return error instanceof ConfigurationError ? 2 : 1;
  }
}

function reportUsage(error: CommanderError): ExitCode {
  if (error.exitCode === 0) return 0; // --help, --version
  if (error.code === 'commander.help') return 2;
  const got = error.message.replace(/^error: /, '').split('\n')[0] ?? '';
  process.stderr.write(`streamfold: expected what --help tells; got ${got}\n`);
  return 2;
}

process.exitCode = await main();
process.removeListener('disconnect', interrupt);
if (process.connected) process.disconnect(); // an open channel would keep us alive
