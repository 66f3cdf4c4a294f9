import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveStore } from './archive-store.ts';

/** Files that are being written, or were when somebody crashed; nobody reads them. */
const TEMPORARY = '.tmp-';

/**
 * A directory of a file system that has hard links. A file is written under a temporary name, synced, and then given its
 * own name in one step, which the directory is synced after: it is whole or not there.
 */
export function createDirectoryStore(root: string): ArchiveStore {
  return {
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
      await rename(await writeTemporary(path, bytes), path);
      await syncDirectory(dirname(path));
    },
    async create(name, bytes) {
      const path = join(root, name);
      const temporary = await writeTemporary(path, bytes);
      try {
        await link(temporary, path); // unlike a rename, it fails where the name is taken
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

async function writeTemporary(path: string, bytes: Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `${TEMPORARY}${randomUUID()}`);
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
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

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
