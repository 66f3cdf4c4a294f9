import { readParameterFile, unusableFile, type ParameterFile } from './parameter-file.ts';

/** User and password of a server: themselves, or files that hold them. */
export interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly usernameFile: ParameterFile | undefined;
  readonly passwordFile: ParameterFile | undefined;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/**
 * User and password as they are now.
 *
 * @throws {ConfigurationError} if a file cannot be read, is empty or has several lines. The text shows none of its contents.
 */
export function readCredentials(login: Login): Credentials {
  const username = login.usernameFile === undefined ? login.username : readLine(login.usernameFile);
  const password = login.passwordFile === undefined ? login.password : readLine(login.passwordFile);
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

/** The only line of a file, with or without a line break after it. */
function readLine(file: ParameterFile): string {
  const line = readParameterFile(file).replace(/\r?\n$/, '');
  if (line === '') throw unusableFile(file, { expected: 'one line', got: 'an empty file' });
  if (/[\r\n]/.test(line)) throw unusableFile(file, { expected: 'one line', got: 'several lines' });
  return line;
}
