import { test } from '../harness/ava.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { filesMatching, readTracked } from '../tidy/tracked-files.ts';

const PAGES = filesMatching(/^(README\.md|docs\/.*\.md|packages\/[^/]+\/README\.md)$/);

/** A `streamfold` command of a page: from the name to the end of the code, the line, or the pipe. */
const COMMAND = /(?<=^|`|\| |exec \S+ )(?:npx )?streamfold ((?:[a-z-]+|--)[^`|#&\n]*)/gm;

/** The words of a command that name it: `archive restore`. */
function readPath(words: readonly string[], known: ReadonlySet<string>): string[] {
  const path = [];
  for (const word of words) {
    if (!known.has([...path, word].join(' '))) break;
    path.push(word);
  }
  return path;
}

/** The help of every command, by its path. */
async function readHelps(): Promise<ReadonlyMap<string, string>> {
  const helps = new Map<string, string>();
  const read = async (path: readonly string[]): Promise<void> => {
    const { stdout } = await runStreamfold([...path, '--help']);
    helps.set(path.join(' '), stdout);
    const [, commands = ''] = /^Commands:\n((?: .*\n|\n)*)/m.exec(stdout) ?? [];
    for (const [, name = ''] of commands.matchAll(/^ {2}([a-z-]+)\b/gm)) {
      if (name !== 'help') await read([...path, name]);
    }
  };
  await read([]);
  return helps;
}

test('every streamfold command that the docs show exists, with all of its options', async (t) => {
  const helps = await readHelps();
  const known = new Set(helps.keys());
  const wrong: string[] = [];
  let seen = 0;
  for (const page of PAGES) {
    for (const [, line = ''] of readTracked(page).matchAll(COMMAND)) {
      const words = line.trim().split(/\s+/);
      const path = readPath(words, known);
      const help = helps.get(path.join(' ')) ?? '';
      const flags = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.split('=')[0] ?? '');
      seen++;
      if (path.length === 0 && !words[0]?.startsWith('--')) wrong.push(`${page}: no command: ${line}`);
      for (const flag of flags) {
        if (!new RegExp(`${flag}\\b`).test(help)) wrong.push(`${page}: no option ${flag}: ${line}`);
      }
    }
  }
  t.true(seen > 50, `only ${seen} commands found`);
  t.deepEqual(wrong, []);
});
