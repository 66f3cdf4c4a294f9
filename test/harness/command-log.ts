import { startMonitor } from './monitor.ts';

/** The commands of clients, as MONITOR shows them. */
export interface CommandLog {
  /** Names of the commands that clients sent for keys of the prefix, lower case, in order; without those inside scripts. */
  commands(): string[];
  /** Names of all commands for keys of the prefix or for all keys, including those inside scripts. */
  all(): string[];
  stop(): void;
}

const LOOK_AT_ALL = new Set(['scan', 'keys']);
const LINE = /^\+[\d.]+ \[\d+ ([^\]]+)\] "([^"]+)"(.*)$/;

/** MONITOR: logs commands from here on. */
export async function startCommandLog(port: number, prefix: string): Promise<CommandLog> {
  const { socket, text } = await startMonitor(port);
  const read = (): { source: string; name: string; rest: string }[] =>
    text()
      .split('\r\n')
      .flatMap((line) => {
        const [, source = '', name = '', rest = ''] = LINE.exec(line) ?? [];
        return name === '' ? [] : [{ source, name: name.toLowerCase(), rest }];
      });
  const isOurs = ({ rest }: { rest: string }): boolean => rest.includes(`"${prefix}:{`);
  return {
    commands: () =>
      read()
        .filter((each) => isOurs(each) && each.source !== 'lua')
        .map(({ name }) => name),
    all: () =>
      read()
        .filter((each) => isOurs(each) || LOOK_AT_ALL.has(each.name))
        .map(({ name }) => name),
    stop: () => socket.destroy(),
  };
}
