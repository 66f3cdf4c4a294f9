import type { Command, Environment, ExitCode } from '../environment.ts';
import { nameUser, PASSWORD_PLACEHOLDER, renderUser } from '../doctor/acl/acl-rules.ts';
import { ROLES, type Role } from '../doctor/acl/roles.ts';
import type { Finding } from '../doctor/finding.ts';
import { runChecks } from '../doctor/run-checks.ts';
import { withRedis } from '../with-redis.ts';

/** Checks whether Redis meets the needs of the guarantees: 0 if all can be kept, 1 if not. Changes nothing. */
export const doctor: Command = async (environment) => {
  const { configuration, print, localTimeMs } = environment;
  if (configuration.acl) return printUsers(environment);
  return withRedis(
    configuration,
    async (redis): Promise<ExitCode> => {
      const { json } = configuration;
      const findings = await runChecks(redis, configuration, localTimeMs);
      const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
      if (json) print(JSON.stringify({ healthy: failed === 0, findings }, null, 2));
      else for (const line of describe(findings)) print(line);
      return failed === 0 ? 0 : 1;
    },
    { shardCount: 'leave' },
  );
};

function describe(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ verdict, what, text, commands = [] }) => [
    `${verdict.padEnd(5)} ${what.padEnd(17)} ${text}`,
    ...commands.map((command) => `      ${command}`),
  ]);
}

const HOW_TO_USE = [
  `# Replace each ${PASSWORD_PLACEHOLDER} with a password, then paste the lines into redis-cli on every node.`,
  '# docs/connecting.md, "Users of least privilege", says how to keep them over a restart.',
];

/** The lines go to standard output, without comments: redis-cli knows none. How to use them goes to standard error. */
function printUsers({ configuration: { json, prefix }, print, printError }: Environment): ExitCode {
  const roles = Object.keys(ROLES) as Role[];
  const users = roles.map((role) => ({
    role,
    user: nameUser(role, prefix),
    command: renderUser(role, prefix),
  }));
  if (json) print(JSON.stringify({ users }, null, 2));
  else for (const line of HOW_TO_USE) printError(line);
  if (!json) for (const { command } of users) print(command);
  return 0;
}
