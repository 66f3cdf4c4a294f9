import type { ChainableCommander } from 'ioredis';

/**
 * MULTI, the commands, EXEC
 *
 * @returns what EXEC replies: for each command an error or its result; null if a watched key changed.
 * @throws what Redis replied to the command that it refused. EXEC itself only says that something before it failed.
 */
export async function runTransaction(
  transaction: ChainableCommander,
): Promise<[error: Error | null, result: unknown][] | null> {
  try {
    return await transaction.exec();
  } catch (error) {
    throw refusedCommand(error) ?? error;
  }
}

function refusedCommand(error: unknown): unknown {
  if (!(error instanceof Error) || !('previousErrors' in error)) return undefined;
  const { previousErrors } = error;
  return Array.isArray(previousErrors) ? (previousErrors[0] as unknown) : undefined;
}
