import { readdirSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

/** The parts of a command of ioredis that are read here. */
interface SentCommand {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What this process has run in any Redis, since the recording began. */
export interface SentScripts {
  /** Texts of scripts. A script is sent as text at its first use in a server. */
  readonly texts: ReadonlySet<string>;
  /** Names of functions. */
  readonly functions: ReadonlySet<string>;
}

/** Records the scripts and functions that all connections of this process send from here on. */
export function recordSentScripts(): SentScripts {
  const [texts, functions] = [new Set<string>(), new Set<string>()];
  const send = Redis.prototype.sendCommand;
  Redis.prototype.sendCommand = function (this: Redis, ...[command, ...rest]: Parameters<typeof send>) {
    const { args } = command as SentCommand;
    const name = (command as SentCommand).name.toLowerCase();
    if (name === 'eval') texts.add(String(args[0]));
    if (name === 'fcall') functions.add(String(args[0]));
    return send.call(this, command, ...rest);
  };
  return { texts, functions };
}

/** `<package>/<file>` and the text of each Lua file of the packages. */
export function readLuaFiles(): ReadonlyMap<string, string> {
  const packages = new URL('../../../packages/', import.meta.url);
  const files = readdirSync(packages).flatMap((name) => {
    const folder = new URL(`${name}/lua/`, packages);
    return listFolder(folder).map((file): [string, string] => [
      `${name}/${file}`,
      readFileSync(new URL(file, folder), 'utf8'),
    ]);
  });
  return new Map(files);
}

function listFolder(folder: URL): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
