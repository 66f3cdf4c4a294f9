import { runStreamfold } from './run-streamfold.ts';
import { startRedis, type TestRedis } from './start-redis.ts';
import { startUsedCommands, type UsedCommands } from './used-commands.ts';

export const ROLES = ['publisher', 'coordinator', 'aggregator', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** A private Redis that only the users of `doctor --acl` may use, in addition to the connection of the test. */
export interface GuardedRedis extends TestRedis {
  /** The URL with which the user of a role logs in. */
  urlOf(role: Role): string;
  /** The commands that it was sent. */
  readonly used: UsedCommands;
  /** What Redis refused since the last call, `<user> <command or key>`. */
  readRefusals(): Promise<string[]>;
}

const PASSWORD = 'least';

/** The `ACL SETUSER` lines that `doctor --acl` prints, with passwords. */
export async function printUsers(prefix = 'streamfold'): Promise<string[]> {
  const { stdout } = await runStreamfold(['doctor', '--acl', '--prefix', prefix]);
  return stdout.trim().split('\n').map((line) => line.replace('REPLACE_ME', PASSWORD)); // prettier-ignore
}

/** Runs the lines as redis-cli does: none of them has quotes. */
export async function createUsers(
  { redis }: Pick<TestRedis, 'redis'>,
  lines: readonly string[],
): Promise<void> {
  for (const line of lines) {
    const [command = '', ...args] = line.split(' ');
    await redis.call(command, ...args);
  }
}

export function logIn(url: string, role: Role, prefix = 'streamfold'): string {
  return url.replace('://', `://${prefix}-${role}:${PASSWORD}@`);
}

export async function startGuardedRedis(): Promise<GuardedRedis> {
  const server = await startRedis();
  await createUsers(server, await printUsers());
  const used = await startUsedCommands(server.port);
  await server.redis.call('ACL', 'SETUSER', 'default', 'off'); // connections that are open stay
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    used,
    async stop() {
      used.stop();
      await server.stop();
    },
    urlOf: (role) => logIn(server.url, role),
    async readRefusals() {
      const entries = (await server.redis.call('ACL', 'LOG')) as unknown[][];
      await server.redis.call('ACL', 'LOG', 'RESET');
      return entries.map((entry) => {
        const fields = new Map(entry.map((value, at) => [value, entry[at + 1]]));
        return `${String(fields.get('username'))} ${String(fields.get('reason'))} ${String(fields.get('object'))}`;
      });
    },
  };
}
