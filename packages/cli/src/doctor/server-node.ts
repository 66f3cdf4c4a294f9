import { toError, type RedisConnection } from '@streamfold/redis';
import { parseInfo, type Info } from './parse-info.ts';

/** The server that a URL leads to, or one node of a Cluster. */
export interface ServerNode {
  readonly connection: Pick<RedisConnection, 'call' | 'config' | 'info' | 'time'>;
  /** ` at host:port` for a node of a Cluster; empty for the only server. */
  readonly at: string;
  /** Empty if INFO cannot be read. */
  readonly info: Info;
  /** Why INFO cannot be read. */
  readonly failure: string | undefined;
}

/** The server, or all nodes of a Cluster, with their INFO. */
export async function readNodes(redis: RedisConnection): Promise<readonly ServerNode[]> {
  if (!('nodes' in redis)) return [await readNode(redis, '')];
  return Promise.all(
    redis.nodes('all').map((node) => readNode(node, ` at ${node.options.host}:${node.options.port}`)),
  );
}

async function readNode(connection: ServerNode['connection'], at: string): Promise<ServerNode> {
  try {
    return { connection, at, info: parseInfo(await connection.info()), failure: undefined };
  } catch (error) {
    return { connection, at, info: new Map(), failure: toError(error).message };
  }
}

/** False for a node that is gone, and if the user may not read INFO. */
export function answers({ failure }: ServerNode): boolean {
  return failure === undefined;
}

export function isPrimary({ info }: ServerNode): boolean {
  return info.get('role') === 'master';
}

/** CONFIG GET name; `undefined` if the user may not run it, as on many hosted servers. */
export async function readSetting({ connection }: ServerNode, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await connection.config('GET', name)) as string[];
    return value;
  } catch {
    return undefined;
  }
}
