import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectRedis, isReady, whenReady, type ConnectionError } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { failToConnect, openConnection } from '../harness/open-connection.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await startRedis();
test.after.always(() => server.stop());

/** Replaces a file as tools that rotate secrets do: readers see the old contents or the new ones. */
async function writeSecret(name: string, text: string): Promise<string> {
  const path = join(server.directory, name);
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
  return path;
}

test('user and password are read from files anew at every connect, so that they can be rotated', async (t) => {
  const user = await writeSecret('user', 'ada\n');
  const password = await writeSecret('password', 'first#%/@:hush\r\n');
  await server.redis.call('ACL', 'SETUSER', 'ada', 'on', '>first#%/@:hush', '~*', '+@all');
  await server.redis.call('ACL', 'SETUSER', 'ben', 'on', '>second', '~*', '+@all');
  const connection = openConnection(
    t,
    `redis://127.0.0.1:${server.port}?username_file=${user}&password_file=${password}`,
  );
  await whenReady(connection, 20_000);
  t.is(await connection.call('ACL', 'WHOAMI'), 'ada');
  await writeSecret('user', 'ben');
  await writeSecret('password', 'second');
  t.is(await connection.call('ACL', 'WHOAMI'), 'ada', 'a connection that works is left alone');
  await server.redis.call('ACL', 'DELUSER', 'ada'); // disconnects her
  await waitUntil('it is connected again', async () => {
    await whenReady(connection, 20_000).catch(() => undefined);
    return isReady(connection) && (await connection.call('ACL', 'WHOAMI').catch(() => '')) === 'ben';
  });
  t.pass();
});

test('a password file that goes missing is reported, and its last contents are used', async (t) => {
  const path = await writeSecret('lasting', 'hush');
  await server.redis.call('ACL', 'SETUSER', 'eve', 'on', '>hush', '~*', '+@all');
  const errors: ConnectionError[] = [];
  const connection = openConnection(
    t,
    `redis://eve@127.0.0.1:${server.port}?password_file=${path}`,
    (error) => errors.push(error),
  );
  await whenReady(connection, 20_000);
  await rename(path, `${path}.gone`);
  const id = await connection.client('ID');
  await server.redis.client('KILL', 'ID', id);
  await waitUntil('it is connected again', async () => {
    await whenReady(connection, 20_000).catch(() => undefined);
    return isReady(connection) && (await connection.client('ID').catch(() => id)) !== id;
  });
  t.is(await connection.call('ACL', 'WHOAMI'), 'eve');
  const texts = errors.map(({ message }) => message);
  t.true(
    texts.includes(
      `Redis: expected a file that can be read in password_file, which names ${JSON.stringify(path)}; got ENOENT: no such file or directory. Its last contents are used`,
    ),
    texts.join('\n'),
  );
});

const connect = (path: string) => () =>
  connectRedis(`redis://h?password_file=${path}`, { name: 'test', commandTimeoutMs: 1_000 });

const inFile = (path: string): string => `in password_file, which names ${JSON.stringify(path)}`;

test('a password file that is missing, empty or of several lines is refused by its name, without its contents', async (t) => {
  t.throws(connect('/nowhere/secret'), {
    name: 'ConfigurationError',
    message: `Redis URL: expected a file that can be read ${inFile('/nowhere/secret')}; got ENOENT: no such file or directory`,
  });
  const empty = await writeSecret('empty', '\n');
  t.throws(connect(empty), { message: `Redis URL: expected one line ${inFile(empty)}; got an empty file` });
  const several = await writeSecret('several', 'hush\nhush\n');
  t.throws(connect(several), {
    message: `Redis URL: expected one line ${inFile(several)}; got several lines`,
  });
  t.throws(connect(server.directory), {
    message: `Redis URL: expected a file that can be read ${inFile(server.directory)}; got EISDIR: illegal operation on a directory`,
  });
});

test('a wrong password in a file is refused with what to do, and not shown', async (t) => {
  const path = await writeSecret('wrong', 'hush');
  const error = await failToConnect(t, `redis://nobody@127.0.0.1:${server.port}?password_file=${path}`);
  t.regex(
    error,
    /got WRONGPASS .*: correct the user or the password in the URL, or in the files that it names$/,
  );
  t.false(error.includes('hush'));
});
