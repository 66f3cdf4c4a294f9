import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '@streamfold/redis';
import type { ArchiveStore } from './archive-store.ts';

/** Files that are being written, or were when a writer crashed; nobody reads them. */
const TEMPORARY = '.tmp-';
/** A temporary file that is older than this belongs to a writer that has crashed: writing one takes seconds. */
const ABANDONED_MS = 86_400_000;

/**
 * A directory of a file system that has hard links. A file is written under a temporary name, synced, and then given its
 * own name in one step, which the directory is synced after: it is whole or not there.
 */
export function createDirectoryStore(root: string): ArchiveStore {
  const prepared = new Set<string>();
  return {
    async prepare(folder) {
      if (prepared.has(folder)) return;
      await prepareFolder(join(root, folder));
      prepared.add(folder);
    },
    async read(name) {
      try {
        return await readFile(join(root, name));
      } catch (error) {
        if (isCode(error, 'ENOENT')) return undefined;
        throw error;
      }
    },
    async write(name, bytes) {
      const path = join(root, name);
      const temporary = await writeTemporary(path, bytes);
      try {
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncDirectory(dirname(path));
    },
    async create(name, bytes) {
      const path = join(root, name);
      const temporary = await writeTemporary(path, bytes);
      try {
        await link(temporary, path); // unlike a rename, it fails if the name is taken
        await syncDirectory(dirname(path));
        return 'created';
      } catch (error) {
        if (isCode(error, 'EEXIST')) return 'exists';
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async list(folder, after = '') {
      try {
        const names = await readdir(join(root, folder));
        return names.filter((name) => !name.startsWith('.') && name > after).toSorted();
      } catch (error) {
        if (isCode(error, 'ENOENT')) return [];
        throw error;
      }
    },
    async remove(name) {
      await rm(join(root, name), { force: true });
    },
    close: () => undefined,
  };
}

/** Makes a folder if there is none, tries whether it has hard links, and removes temporary files of crashed writers. */
async function prepareFolder(path: string): Promise<void> {
  const probe = await writeTemporary(join(path, 'probe'), Buffer.of());
  const linked = `${probe}-linked`;
  try {
    await link(probe, linked);
    const { mtimeMs } = await stat(probe);
    for (const name of await readdir(path)) {
      if (!name.startsWith(TEMPORARY)) continue;
      const file = join(path, name);
      const age = await stat(file).then(
        (each) => mtimeMs - each.mtimeMs,
        () => 0, // its writer has just finished
      );
      if (age > ABANDONED_MS) await rm(file, { force: true });
    }
  } catch (cause) {
    if (!isCode(cause, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw cause;
    throw new ConfigurationError(
      `archive ${path}: expected a file system with hard links, without which two archivers could overwrite each other; got ${cause.message}`,
      { cause },
    );
  } finally {
    await rm(probe, { force: true });
    await rm(linked, { force: true });
  }
}

/** Leaves nothing behind if it fails. */
async function writeTemporary(path: string, bytes: Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `${TEMPORARY}${randomUUID()}`);
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

/** A new name outlives a crash of the machine only once its directory is synced. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isCode(error: unknown, ...codes: readonly string[]): error is Error {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
