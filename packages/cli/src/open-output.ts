import { open, rename, rm } from 'node:fs/promises';
import { ConfigurationError, toError } from '@streamfold/redis';
import type { Environment } from './environment.ts';

/** Accepts text, piece by piece. */
export interface Output {
  /** Takes a piece. Await the result before the next one. */
  write(text: string): Promise<void> | undefined;
  /** Resolves when everything is written and the file has its final name. */
  finish(): Promise<void>;
  /** Discards the output: a file is removed. */
  abandon(): Promise<void>;
}

/** Pieces are collected up to this number of characters and written together. */
const WRITE_CHARACTERS = 256 * 1024;

/**
 * Output to a file, or to standard output if `file` is empty. A file is named `….partial` until it is complete.
 *
 * @throws {ConfigurationError} if the file cannot be written.
 */
export async function openOutput(file: string, { write }: Environment): Promise<Output> {
  if (file === '') {
    return gather(write, { finish: async () => undefined, abandon: async () => undefined });
  }
  const partial = `${file}.partial`;
  const handle = await open(partial, 'w').catch((cause: unknown) => {
    const why = toError(cause).message;
    throw new ConfigurationError(`--output: expected a file that can be written; got ${why}`, { cause });
  });
  return gather(
    async (text) => {
      await handle.appendFile(text);
    },
    {
      async finish() {
        await handle.sync();
        await handle.close();
        await rename(partial, file);
      },
      async abandon() {
        await handle.close();
        await rm(partial, { force: true });
      },
    },
  );
}

function gather(write: (text: string) => Promise<void>, end: Pick<Output, 'finish' | 'abandon'>): Output {
  let gathered = '';
  const flush = (): Promise<void> => {
    const text = gathered;
    gathered = '';
    return write(text);
  };
  return {
    write(text) {
      gathered += text;
      return gathered.length < WRITE_CHARACTERS ? undefined : flush();
    },
    async finish() {
      await flush();
      await end.finish();
    },
    abandon: end.abandon,
  };
}
