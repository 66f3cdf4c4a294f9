import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArchive, type Archive } from '@streamfold/archive';

/** An archive in its own directory. */
export interface TestArchive extends Archive {
  readonly directory: string;
  /** Removes the directory. */
  remove(): Promise<void>;
}

/** Opens an empty archive. */
export async function openTestArchive(): Promise<TestArchive> {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-archive-'));
  const archive = await openArchive(directory);
  return { ...archive, directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
