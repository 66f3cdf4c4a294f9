import { readdir } from 'node:fs/promises';
import { declareTogether } from './ava.ts';

/**
 * Imports all test files beside a suite, so that they share one worker and its servers, and the code under test is
 * loaded and compiled once. A test that needs a process of its own is named `*.alone.test.ts`.
 */
export async function importTests(suiteUrl: string): Promise<void> {
  const folder = new URL('.', suiteUrl);
  const names = (await readdir(folder)).filter((name) => /(?<!\.alone)\.test\.[jt]s$/.test(name)).toSorted();
  await declareTogether(
    new Map(names.map((name) => [name.replace(/\.test\..*/, ''), () => import(new URL(name, folder).href)])),
  );
}
