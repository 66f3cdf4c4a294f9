import type { Command as Commander, CommanderError } from 'commander';
import { findNearest } from './find-nearest.ts';

/** The command line does not follow the usage. The text is one line: what arrived and what was expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Turns an error of the parser into one helpful line: what arrived, what was expected, and a close match. */
export function toUsageError(error: CommanderError, command: Commander): UsageError {
  const came = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  return new UsageError(`${pathOf(command)}: ${describe(error, command, came)}`, { cause: error });
}

function describe(error: CommanderError, command: Commander, came: string): string {
  switch (error.code) {
    case 'commander.unknownCommand':
      return describeUnknownCommand(command, came);
    case 'commander.unknownOption':
      return describeUnknownOption(command, came);
    case 'commander.optionMissingArgument':
      return `${came}: expected a value; got none`;
    case 'commander.excessArguments': {
      const most = command.registeredArguments.length;
      const extra = command.args[most] ?? '';
      return `unexpected argument ${JSON.stringify(extra)}; expected ${most === 0 ? 'none' : `at most ${most}`}`;
    }
    default: // the parser's set of codes is open
      return error.message.replace(/^error: /, '').split('\n')[0] ?? '';
  }
}

function describeUnknownCommand(command: Commander, came: string): string {
  const names = command.commands.map((each) => each.name());
  return `unknown command ${JSON.stringify(came)}; expected one of ${names.join(', ')}${didYouMean(came, names)}`;
}

function describeUnknownOption(command: Commander, came: string): string {
  const [flag = '', value] = came.split('=', 2);
  const own = flagsOf(command);
  if (value !== undefined && own.includes(flag)) {
    return `${flag}: expected no value; got ${JSON.stringify(value)}`;
  }
  const below = command.commands.find((each) => flagsOf(each).includes(flag));
  if (below !== undefined) {
    return `option ${flag}: expected after a command, as in ${pathOf(below)} ${flag} …; got it before`;
  }
  return `unknown option ${flag}; expected one that ${pathOf(command)} --help shows${didYouMean(flag, own)}`;
}

function flagsOf(command: Commander): string[] {
  return [...command.options.flatMap(({ long }) => long ?? []), '--help'];
}

/** `streamfold dead-letters retry`. */
function pathOf(command: Commander): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** A suffix for an error text; empty if nothing is close. */
export function didYouMean(came: string, candidates: Iterable<string>): string {
  const nearest = findNearest(came, candidates);
  return nearest === undefined || nearest === came ? '' : `: did you mean ${nearest}?`;
}
