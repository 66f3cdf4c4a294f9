import { startMonitor } from './monitor.ts';

/** The commands that Redis was sent on keys, by the name of the connection that sent them, or that called the script. */
export interface UsedCommands {
  /** For each connection whose name matches, the command and one of the patterns: `xadd streamfold:{*}:events`. */
  of(name: RegExp, patterns: readonly string[]): ReadonlySet<string>;
  /** Forgets the commands so far, and the names of the connections that are open. */
  restart(): void;
  stop(): void;
}

interface LoggedCommand {
  readonly sender: string;
  readonly words: readonly string[];
}

const LINE = /^\+[\d.]+ \[\d+ ([^\]]+)\] (.*)$/;
const WORD = /"((?:[^"\\]|\\.)*)"/g;
/** Their first argument is the name of the subcommand. */
const CONTAINERS = new Set(['xinfo', 'xgroup', 'memory', 'client', 'cluster', 'function', 'acl', 'config']);
/** They may name several keys; in a call of any other command, later arguments are values. */
const SEVERAL_KEYS = new Set(['del', 'unlink', 'exists']);
const CALLS = new Set(['eval', 'evalsha', 'fcall']);

/** MONITOR: logs from here on. */
export async function startUsedCommands(port: number): Promise<UsedCommands> {
  const { socket, text } = await startMonitor(port);
  let from = 0;
  return {
    restart() {
      from = text().length;
    },
    of(name, patterns) {
      const used = new Set<string>();
      for (const { sender, words } of readCommands(text().slice(from)))
        if (name.test(sender)) for (const each of describe(words, patterns)) used.add(each);
      return used;
    },
    stop: () => socket.destroy(),
  };
}

function readCommands(text: string): LoggedCommand[] {
  const names = new Map<string, string>();
  const commands: LoggedCommand[] = [];
  let caller = '';
  for (const line of text.split('\r\n')) {
    const [, source = '', rest = ''] = LINE.exec(line) ?? [];
    const words = [...rest.matchAll(WORD)].map(([, word = '']) => word);
    const [command = '', first = '', second = ''] = words;
    if (command === '') continue;
    if (command.toLowerCase() === 'client' && first.toLowerCase() === 'setname') names.set(source, second);
    const sender = source === 'lua' ? caller : (names.get(source) ?? '');
    if (CALLS.has(command.toLowerCase()) && source !== 'lua') caller = sender;
    commands.push({ sender, words });
  }
  return commands;
}

/** The command with the pattern of each key; with none if it has no key that is searched for. */
function describe([command = '', ...args]: readonly string[], patterns: readonly string[]): string[] {
  const container = command.toLowerCase();
  const name = CONTAINERS.has(container) ? `${container}|${(args[0] ?? '').toLowerCase()}` : container;
  if (CALLS.has(name)) return [name];
  const found = args.flatMap((arg) => patterns.filter((pattern) => matches(pattern, arg)));
  const keys = SEVERAL_KEYS.has(name) ? found : found.slice(0, 1);
  return keys.length === 0 ? [name] : keys.map((pattern) => `${name} ${pattern}`);
}

/** As the patterns of Redis, in which no id has a `|` or a `:` that matters here. */
function matches(pattern: string, key: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^{}|]*')}$`).test(key);
}
