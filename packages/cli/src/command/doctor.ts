import type { Command, ExitCode } from '../environment.ts';
import type { Finding } from '../doctor/finding.ts';
import { inspectRedis } from '../doctor/inspect-redis.ts';
import { withRedis } from '../with-redis.ts';

/** Checks whether Redis meets the needs of the guarantees: 0 if all can be kept, 1 if not. Changes nothing. */
export const doctor: Command = async ({ configuration, print, localTimeMs }) =>
  withRedis(
    configuration,
    async (redis): Promise<ExitCode> => {
      const { json } = configuration;
      const findings = await inspectRedis(redis, configuration, localTimeMs);
      const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
      if (json) print(JSON.stringify({ healthy: failed === 0, findings }, null, 2));
      else for (const line of describe(findings)) print(line);
      return failed === 0 ? 0 : 1;
    },
    { shardCount: 'leave' },
  );

function describe(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ verdict, what, text, commands = [] }) => [
    `${verdict.padEnd(5)} ${what.padEnd(17)} ${text}`,
    ...commands.map((command) => `      ${command}`),
  ]);
}
