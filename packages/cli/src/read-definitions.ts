import { existsSync, readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createDefinitions, DEFAULT_DEFINITIONS, type Definitions } from '@streamfold/core';
import { ConfigurationError, toError } from '@streamfold/redis';
import type { Configuration } from './configuration.ts';

/** Files to look for in the working directory, in this order, if none is named. */
const DEFAULT_FILES = ['ts', 'mjs', 'js', 'json'].map((ending) => `streamfold.config.${ending}`);

/** Editors on Windows put it at the start of a file. */
const BYTE_ORDER_MARK = /^\uFEFF/;

/** At most this number of problems of a file is reported at once. */
const SHOWN_PROBLEMS = 5;

/**
 * The metrics that the configuration file defines, or the default ones if there is no such file.
 *
 * @throws {ConfigurationError} one line: the file and place, what was expected, what arrived.
 */
export async function readDefinitions({ config }: Pick<Configuration, 'config'>): Promise<Definitions> {
  const file = config === '' ? DEFAULT_FILES.find((each) => existsSync(each)) : config;
  if (file === undefined) return DEFAULT_DEFINITIONS;
  if (!existsSync(file)) throw refuse(file, ['expected a file; there is none']);
  const created = createDefinitions(await load(file));
  if (created.outcome === 'created') return created.definitions;
  throw refuse(file, created.problems);
}

async function load(file: string): Promise<unknown> {
  const path = resolve(file);
  try {
    switch (extname(file)) {
      case '.json':
        return JSON.parse(readFileSync(path, 'utf8').replace(BYTE_ORDER_MARK, ''));
      case '.js':
      case '.mjs':
        return readDefault(await import(pathToFileURL(path).href));
      case '.ts':
      case '.mts':
        return readDefault(await importTypeScript(path));
      default: // any other ending
        throw new Error('expected a name that ends in .ts, .js, .mjs or .json');
    }
  } catch (cause) {
    const [line = ''] = toError(cause).message.split('\n');
    throw refuse(file, [line], cause);
  }
}

/** Node.js reads TypeScript by itself only from version 22.18 on. The library itself is found from any folder. */
async function importTypeScript(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const streamfold = fileURLToPath(new URL('index.js', import.meta.url));
  return createJiti(import.meta.url, { fsCache: false, alias: { streamfold } }).import(path);
}

function readDefault(module: unknown): unknown {
  const content: unknown =
    typeof module === 'object' && module !== null ? Reflect.get(module, 'default') : undefined;
  if (content === undefined) throw new Error('expected an export default; there is none');
  return content;
}

function refuse(file: string, problems: readonly string[], cause?: unknown): ConfigurationError {
  const shown = problems.slice(0, SHOWN_PROBLEMS).join('; also ');
  const more = problems.length - SHOWN_PROBLEMS;
  return new ConfigurationError(`${file}: ${shown}${more > 0 ? `; and ${more} more` : ''}`, { cause });
}
