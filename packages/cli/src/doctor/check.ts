import type { Installation, RedisConnection } from '@streamfold/redis';
import type { Finding } from './finding.ts';
import type { ServerNode } from './server-node.ts';

/** What the checks look at. */
export interface Examined {
  readonly redis: RedisConnection;
  readonly installation: Installation;
  /** The server, or all nodes of a Cluster. */
  readonly nodes: readonly ServerNode[];
  /** The clock of this machine, ms since 1970. */
  readonly localTimeMs: () => number;
}

/** One question about Redis. It changes nothing. */
export interface Check {
  /** Shown with the finding if the check fails as a whole. */
  readonly name: string;
  /** True if a failure of the check means that the programs cannot work, either. */
  readonly needed?: boolean;
  /** Its findings; none if the question does not arise. What the user may not read is a finding, too. */
  run(examined: Examined): Promise<readonly Finding[]>;
}
