import { once } from 'node:events';
import { connect } from 'node:net';
import { startMonitor } from './monitor.ts';

/** A call of a function or script, and the commands that it ran. */
export interface LoggedCall {
  /** Of the function; of a script, its SHA-1 or its text. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly commands: (readonly string[])[];
}

export interface ScriptLog {
  /** The calls of functions and scripts from the beginning of the log until now, in order. */
  read(): Promise<readonly LoggedCall[]>;
  stop(): void;
}

const LINE = /^\+[\d.]+ \[\d+ ([^\]]+)\] (.*)$/s;
/** The text of a script, in which Valkey 8 does not escape quotes and ends of lines; then the number of keys, and all the rest. */
const EVAL = /^"eval" "(.*?)" ("\d+".*)$/is;
const ARGUMENT = /"((?:[^"\\]|\\.)*)"/g;

/** MONITOR: shows a call before the commands that it runs. */
export async function startScriptLog(port: number): Promise<ScriptLog> {
  const { socket, text } = await startMonitor(port);
  return {
    async read() {
      // The log shows this command after all that ran before it.
      const end = `streamfold-end-${text().length}`;
      const ended = waitForText(socket, end);
      const other = connect(port, '127.0.0.1');
      other.end(`ECHO ${end}\r\n`);
      await ended;
      other.destroy();
      return readCalls(text());
    },
    stop: () => socket.destroy(),
  };
}

async function waitForText(socket: ReturnType<typeof connect>, wanted: string): Promise<void> {
  let seen = '';
  for (;;) {
    const [part] = (await once(socket, 'data')) as [string];
    seen += part;
    if (seen.includes(wanted)) return;
  }
}

/** `<name>: <command> <key>` of each key of the prefix that a command of a call touches, and the call does not declare. */
export function listUndeclared(calls: readonly LoggedCall[], prefix: string): string[] {
  const undeclared = calls.flatMap(({ name, keys, commands }) =>
    commands.flatMap((command) =>
      command
        .filter((argument) => argument.startsWith(`${prefix}:{`) && !keys.includes(argument))
        .map((key) => `${name.slice(0, 100)}: ${command[0]} ${key}`),
    ),
  );
  return [...new Set(undeclared)];
}

function readCalls(text: string): LoggedCall[] {
  const calls: LoggedCall[] = [];
  for (const line of text.split('\r\n')) {
    const [, source = '', rest = ''] = LINE.exec(line) ?? [];
    const [, script, afterScript] = EVAL.exec(rest) ?? [];
    if (script !== undefined) {
      const [count, ...keys] = readArguments(afterScript ?? '');
      calls.push({ name: script, keys: keys.slice(0, Number(count)), commands: [] });
      continue;
    }
    const [command = '', ...args] = readArguments(rest);
    if (source === 'lua') calls.at(-1)?.commands.push([command, ...args]);
    else if (/^(?:fcall|evalsha)$/i.test(command)) {
      const [name = '', count = '0'] = args;
      calls.push({ name, keys: args.slice(2, 2 + Number(count)), commands: [] });
    }
  }
  return calls;
}

function readArguments(text: string): string[] {
  return [...text.matchAll(ARGUMENT)].map(([, argument = '']) => argument);
}
