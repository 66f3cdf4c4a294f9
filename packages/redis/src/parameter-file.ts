import { readFileSync } from 'node:fs';
import { ConfigurationError } from './configuration-error.ts';

/** A file that a parameter of a Redis URL names. */
export interface ParameterFile {
  /** Name of the parameter, for error texts. */
  readonly parameter: string;
  readonly path: string;
}

/** A certificate or a secret has a few KB; this bounds what a wrong path, such as that of a log, can load. */
const LARGEST_CHARACTERS = 1_000_000;

/**
 * The text of a file.
 *
 * @throws {ConfigurationError} if it cannot be read; the text names the parameter and the file.
 */
export function readParameterFile(file: ParameterFile): string {
  let text: string;
  try {
    text = readFileSync(file.path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/, [a-z]+(?: '.*')?$/s, '') : String(cause);
    throw unusableFile(file, { expected: 'a file that can be read', got: why, cause });
  }
  if (text.length > LARGEST_CHARACTERS) {
    throw unusableFile(file, {
      expected: `at most ${LARGEST_CHARACTERS} characters`,
      got: String(text.length),
    });
  }
  return text;
}

/** The error of a file: `got` must not quote its contents, which may be secret. */
export function unusableFile(
  { parameter, path }: ParameterFile,
  { expected, got, cause }: { readonly expected: string; readonly got: string; readonly cause?: unknown },
): ConfigurationError {
  return new ConfigurationError(
    `expected ${expected} in ${parameter}, which names ${JSON.stringify(path)}; got ${got}`,
    { options: ['Redis URL'], ...(cause !== undefined && { cause }) },
  );
}
