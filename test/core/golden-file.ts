import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Golden files are beside the sources of the tests, which run from `test/dist/`. */
const FOLDER = new URL('../../core/golden/', import.meta.url);

/** Names of the golden files in a folder. */
export function listGolden(folder: string): string[] {
  return readdirSync(new URL(folder, FOLDER)).toSorted();
}

/**
 * The text of a golden file. With UPDATE_GOLDEN=1 `actual` is written to it first: look at the difference before you
 * commit it, since other people's dashboards rely on it.
 */
export function readGolden(name: string, actual?: string): string {
  const file = new URL(name, FOLDER);
  if (actual !== undefined && process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, actual);
  return readFileSync(file, 'utf8');
}
