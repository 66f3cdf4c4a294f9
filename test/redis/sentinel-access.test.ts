import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { isReady, whenReady } from '@streamfold/redis';
import { findFreePort, isPortFree, startPrivateSentinel } from '@streamfold/private-servers';
import { test } from '../harness/ava.ts';
import { createAuthority } from '../harness/certificates.ts';
import { assertCounted } from '../harness/assert-counted.ts';
import { assertReachable, failToConnect, openConnection } from '../harness/open-connection.ts';
import { startRedis } from '../harness/start-redis.ts';
import { startTlsRedis } from '../harness/start-tls-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const authority = await createAuthority();
const certificate = await authority.issue(['redis.internal', '127.0.0.1']);
const sentinelCertificate = await authority.issue(['sentinel.internal']);
const client = await authority.issue(['streamfold']);
const server = await startTlsRedis({ authority, certificate, clientCertificates: 'yes' });
const sentinelTlsPort = await findFreePort();
const sentinel = await startPrivateSentinel('main', server.tlsPort, [
  'user default off',
  // As in docs/connecting.md.
  'user scout on >look-hush &* -@all +auth +client|setname +sentinel|get-master-addr-by-name +sentinel|sentinels +subscribe',
  'user admin on >admin ~* &* +@all',
  'tls-replication yes',
  `tls-port ${sentinelTlsPort}`,
  `tls-ca-cert-file ${authority.caFile}`,
  `tls-cert-file ${sentinelCertificate.certFile}`,
  `tls-key-file ${sentinelCertificate.keyFile}`,
  'tls-auth-clients no',
]);
await waitUntil('the Sentinel listens', async () => !(await isPortFree('127.0.0.1', sentinelTlsPort)));
await server.redis.call('ACL', 'SETUSER', 'ada', 'on', '>server-hush', '~*', '+@all');
test.after.always(async () => {
  await sentinel.stop();
  await server.stop();
  await authority.remove();
});

const LOGIN = 'sentinel_username=scout&sentinel_password=look-hush';
const TLS = `tls=true&tls_ca_file=${authority.caFile}&tls_cert_file=${client.certFile}&tls_key_file=${client.keyFile}`;
const PLAIN_SENTINEL = `ada:server-hush@127.0.0.1:${sentinel.port}/main`;
const TLS_SENTINEL = `ada:server-hush@127.0.0.1:${sentinelTlsPort}/main`;

test('Sentinels are asked with their own user, password and name in TLS, and the primary with another', async (t) => {
  await assertReachable(
    t,
    `redis-sentinel://${TLS_SENTINEL}?${LOGIN}&${TLS}&sentinel_tls_server_name=sentinel.internal`,
  );
});

test('a publisher and an aggregator work with Sentinels in TLS', async (t) => {
  await assertCounted(t, {
    redisUrl: `redis-sentinel://${TLS_SENTINEL}?${LOGIN}&${TLS}&sentinel_tls_server_name=sentinel.internal`,
  });
});

test('failovers are listened for with the same user and TLS, which needs few permissions', async (t) => {
  const admin = new Redis({ port: sentinel.port, host: '127.0.0.1', username: 'admin', password: 'admin' });
  t.teardown(() => admin.disconnect());
  const connection = openConnection(
    t,
    `redis-sentinel://${TLS_SENTINEL}?${LOGIN}&${TLS}&sentinel_tls_server_name=sentinel.internal`,
  );
  await whenReady(connection, 20_000);
  await waitUntil('it listens', async () =>
    /laddr=127\.0\.0\.1:(\d+) .* cmd=subscribe user=scout /.test(String(await admin.client('LIST'))),
  );
  t.regex(
    String(await admin.client('LIST')),
    new RegExp(`laddr=127\\.0\\.0\\.1:${sentinelTlsPort} .* cmd=subscribe user=scout `),
  );
});

test('Sentinels may have no TLS if the primary has it, and a password in a file', async (t) => {
  const path = join(authority.directory, 'sentinel-password');
  await writeFile(path, 'look-hush\n');
  await assertReachable(
    t,
    `redis-sentinel://${PLAIN_SENTINEL}?sentinel_username=scout&sentinel_password_file=${path}&${TLS}&sentinel_tls=false`,
  );
});

test('a failure of TLS of the Sentinels is reported with its cause, and their parameters', async (t) => {
  t.regex(
    await failToConnect(t, `redis-sentinel://${TLS_SENTINEL}?${LOGIN}&${TLS}`),
    /^Redis: expected an answer at redis-sentinel:\/\/127\.0\.0\.1:\d+\/main; got a certificate for DNS:sentinel\.internal, not for 127\.0\.0\.1: .* in sentinel_tls_server_name$/,
  );
});

test('Sentinels that do not speak TLS, or speak only TLS, are recognised', async (t) => {
  t.regex(
    await failToConnect(t, `redis-sentinel://${PLAIN_SENTINEL}?${LOGIN}&${TLS}`),
    /it seems not to speak TLS: set sentinel_tls=false$|if it does not speak TLS, set sentinel_tls=false$/,
  );
  t.regex(
    await failToConnect(t, `redis-sentinel://${TLS_SENTINEL}?${LOGIN}&${TLS}&sentinel_tls=false`),
    /if it speaks TLS, set sentinel_tls=true; if not, check the network$/,
  );
});

test('a password that Sentinels refuse, or want, is reported with their parameters', async (t) => {
  t.regex(
    await failToConnect(
      t,
      `redis-sentinel://${PLAIN_SENTINEL}?sentinel_username=scout&sentinel_password=wrong-hush&${TLS}&sentinel_tls=false`,
    ),
    /got WRONGPASS .*: correct sentinel_username or sentinel_password, or the files with them$/,
  );
  t.regex(
    await failToConnect(t, `redis-sentinel://${PLAIN_SENTINEL}?${TLS}&sentinel_tls=false`),
    /got NOAUTH .*: give a password in sentinel_password, or name a file with it in sentinel_password_file$/,
  );
});

test('the password of Sentinels is read from its file anew whenever they are asked', async (t) => {
  const path = join(authority.directory, 'rotated-password');
  await writeFile(path, 'not-yet');
  const connection = openConnection(
    t,
    `redis-sentinel://${PLAIN_SENTINEL}?sentinel_username=scout&sentinel_password_file=${path}&${TLS}&sentinel_tls=false`,
  );
  await t.throwsAsync(whenReady(connection, 20_000), { message: /got WRONGPASS/ });
  await writeFile(path, 'look-hush');
  await waitUntil('it is connected', async () => {
    await whenReady(connection, 20_000).catch(() => undefined);
    return isReady(connection);
  });
  t.is(await connection.call('ACL', 'WHOAMI'), 'ada');
});

test('a name that Sentinels do not know is reported as that', async (t) => {
  t.regex(
    await failToConnect(t, `redis-sentinel://127.0.0.1:${sentinel.port}/other?${LOGIN}`),
    /got Sentinels that watch no primary "other": correct the name after the slash$/,
  );
});

test('a primary behind a translated address is reached by nat_map', async (t) => {
  const plain = await startRedis();
  t.teardown(plain.stop);
  // An address of a network that is not ours (RFC 5737).
  const watching = await startPrivateSentinel('main', plain.port, [
    'sentinel monitor inner 192.0.2.7 6379 1',
  ]);
  t.teardown(watching.stop);
  await waitUntil('the Sentinel listens', async () => !(await isPortFree('127.0.0.1', watching.port)));
  await assertReachable(
    t,
    `redis-sentinel://127.0.0.1:${watching.port}/inner?nat_map=192.0.2.7:6379=127.0.0.1:${plain.port}`,
  );
});
