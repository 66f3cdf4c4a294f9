import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Files that git tracks or would add, by path from the root. */
export const TRACKED_FILES: readonly string[] = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  { cwd: ROOT, encoding: 'utf8' },
)
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));

/** The folders of those files. */
export const TRACKED_FOLDERS: ReadonlySet<string> = new Set(
  TRACKED_FILES.flatMap((path) => {
    const names = path.split('/').slice(0, -1);
    return names.map((_, at) => names.slice(0, at + 1).join('/'));
  }),
);

/** The files whose path matches. */
export function filesMatching(pattern: RegExp): string[] {
  return TRACKED_FILES.filter((path) => pattern.test(path));
}

export function readTracked(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** `path:line` of each line that matches the pattern. */
export function findLines(path: string, pattern: RegExp): string[] {
  return readTracked(path)
    .split('\n')
    .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : []));
}

/** Pages of the documentation. */
export const PAGES: readonly string[] = filesMatching(/^(README\.md|CHANGELOG\.md|docs\/.*\.md)$/);
