import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../packages/cli/bin/streamfold.js', import.meta.url));

/**
 * The output of `--help`, for the program, for every command that its help names, and for their subcommands.
 * @returns {Promise<{path: string[], text: string, variables: string[]}[]>} in the order in which the help names them
 */
export async function showAllHelp(path = []) {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...path, '--help'], {
    env: withoutSettings(),
  });
  const text = stdout.trim();
  const inner = await Promise.all(listCommands(text).map((name) => showAllHelp([...path, name])));
  const variables = [...new Set(text.match(/STREAMFOLD_[A-Z0-9_]+/g))];
  return [{ path, text, variables }, ...inner.flat()];
}

/** Names under `Commands:`; each begins a line that is indented by two. */
function listCommands(text) {
  const [, section] = /^Commands:\n((?: .*\n?)+)/m.exec(text) ?? [];
  const names = [...(section ?? '').matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name);
  return names.filter((name) => name !== 'help');
}

function withoutSettings() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STREAMFOLD_')));
}
