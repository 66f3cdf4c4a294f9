import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArchive, type Archive } from '@streamfold/archive';

/** An archive in a directory of its own. */
export interface TestArchive extends Archive {
  readonly directory: string;
  /** Removes the directory. */
  remove(): Promise<void>;
}

/** Opens one that is empty. */
export async function openTestArchive(): Promise<TestArchive> {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-archive-'));
  const archive = await openArchive(directory);
  return { ...archive, directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
