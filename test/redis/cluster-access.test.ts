import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '@streamfold/private-servers';
import { test } from '../harness/ava.ts';
import { createAuthority } from '../harness/certificates.ts';
import { assertCounted } from '../harness/assert-counted.ts';
import { assertReachable, failToConnect, openConnection } from '../harness/open-connection.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { startRedis } from '../harness/start-redis.ts';
import { startTlsRedis, type TlsRedis } from '../harness/start-tls-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { whenReady } from '@streamfold/redis';

const authority = await createAuthority();
const stranger = await createAuthority('Another authority');
// Not for 127.0.0.1: only those who use the host names that the nodes announce get through.
const certificate = await authority.issue(['localhost', 'redis.internal']);
const client = await authority.issue(['streamfold']);
const [low, high] = await startTlsCluster();
test.after.always(async () => {
  await Promise.all([low.stop(), high.stop(), authority.remove(), stranger.remove()]);
});

/** Two nodes that speak TLS only with each other, and announce a host name. */
async function startTlsCluster(): Promise<[TlsRedis, TlsRedis]> {
  const nodes: [TlsRedis, TlsRedis] = [await startTlsNode(), await startTlsNode()];
  const [first, second] = nodes;
  await first.redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
  await second.redis.call('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
  await second.redis.call('CLUSTER', 'SET-CONFIG-EPOCH', '2');
  const [, busPort] = (await second.redis.config('GET', 'cluster-port')) as [string, string];
  await first.redis.call('CLUSTER', 'MEET', '127.0.0.1', String(second.tlsPort), busPort);
  for (const node of nodes) {
    await waitUntil('the nodes know each other', async () =>
      /cluster_state:ok[^]*cluster_known_nodes:2/.test(String(await node.redis.call('CLUSTER', 'INFO'))),
    );
  }
  return nodes;
}

async function startTlsNode(): Promise<TlsRedis> {
  return startTlsRedis({
    authority,
    certificate,
    clientCertificates: 'yes',
    // prettier-ignore
    extraArgs: [
      '--cluster-enabled', 'yes', '--cluster-port', String(await findFreePort()), '--tls-cluster', 'yes',
      '--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname',
    ],
  });
}

const CA = `tls_ca_file=${authority.caFile}`;
const OWN = `tls_cert_file=${client.certFile}&tls_key_file=${client.keyFile}`;

test('a Cluster with TLS is reached by its host names, all nodes of it', async (t) => {
  const url = `redis-cluster://localhost:${low.tlsPort}?tls=true&${CA}&${OWN}`;
  const connection = openConnection(t, url);
  await whenReady(connection, 20_000);
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) t.is(await connection.set(key, key), 'OK');
  t.true((await low.redis.dbsize()) > 0);
  t.true((await high.redis.dbsize()) > 0);
});

test('a publisher and an aggregator work with a Cluster in TLS, with shards on all nodes', async (t) => {
  await assertCounted(t, {
    redisUrl: `redis-cluster://localhost:${low.tlsPort}?tls=true&${CA}&${OWN}`,
    shards: 8,
  });
});

test('a Cluster with TLS is reached by another name of its certificate', async (t) => {
  await assertReachable(
    t,
    `redis-cluster://127.0.0.1:${high.tlsPort}?tls=true&${CA}&${OWN}&tls_server_name=redis.internal`,
  );
});

test('a failure of TLS of a Cluster is reported with its cause', async (t) => {
  const start = `redis-cluster://localhost:${low.tlsPort}?tls=true`;
  t.regex(
    await failToConnect(t, start),
    /^Redis: expected an answer at redis-cluster:\/\/localhost:\d+; got a certificate that none of the authorities that Node\.js trusts signed .*: name .* in tls_ca_file$/,
  );
  t.regex(
    await failToConnect(t, `${start.replace('localhost', '127.0.0.1')}&${CA}`),
    /got a certificate for DNS:localhost, DNS:redis\.internal, not for 127\.0\.0\.1: /,
  );
  t.regex(await failToConnect(t, `${start}&${CA}`), /wants a client certificate/);
});

test('the doctor shows product and version of every node of a Cluster', async (t) => {
  const url = `redis-cluster://localhost:${low.tlsPort}?tls=true&${CA}&${OWN}`;
  const { stdout } = await runStreamfold(['doctor', '--redis', url]);
  for (const { tlsPort } of [low, high]) {
    t.regex(
      stdout,
      new RegExp(`^ok +version +(?:Redis|Valkey) \\d+\\.\\d+\\S* at localhost:${tlsPort}$`, 'm'),
    );
  }
});

test('a wrong password of a Cluster is reported as that', async (t) => {
  t.regex(
    await failToConnect(t, `redis-cluster://ada:hush@localhost:${low.tlsPort}?tls=true&${CA}&${OWN}`),
    /got WRONGPASS .*: correct the user or the password/,
  );
});

test('the password of a Cluster, and our certificate, are read from files anew at every connect', async (t) => {
  const directory = authority.directory;
  const [secret, cert, key] = ['secret', 'cert', 'key'].map((name) => join(directory, `cluster-${name}`)) as [
    string,
    string,
    string,
  ];
  for (const node of [low, high]) {
    await node.redis.call('ACL', 'SETUSER', 'ada', 'on', '>first', '~*', '+@all');
  }
  await Promise.all([
    writeFile(secret, 'first'),
    copyFile(client.certFile, cert),
    copyFile(client.keyFile, key),
  ]);
  const url = `redis-cluster://ada@localhost:${low.tlsPort}?tls=true&${CA}&tls_cert_file=${cert}&tls_key_file=${key}&password_file=${secret}`;
  const connection = openConnection(t, url);
  await whenReady(connection, 20_000);
  const renewed = await authority.issue(['renewed']);
  await Promise.all([
    writeFile(secret, 'second'),
    copyFile(renewed.certFile, cert),
    copyFile(renewed.keyFile, key),
  ]);
  for (const node of [low, high]) {
    await node.redis.call('ACL', 'DELUSER', 'ada'); // disconnects her
    await node.redis.call('ACL', 'SETUSER', 'ada', 'on', '>second', '~*', '+@all');
  }
  await waitUntil('all nodes are reached again', async () => {
    await whenReady(connection, 20_000).catch(() => undefined);
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((each) => connection.get(each)),
    );
    return outcomes.every(({ status }) => status === 'fulfilled');
  });
  t.pass();
});

test('a Cluster behind translated addresses is reached by nat_map, by the readers of shards too', async (t) => {
  // It announces an address of a network that is not ours (RFC 5737).
  const node = await startRedis({
    // prettier-ignore
    extraArgs: [
      '--cluster-enabled', 'yes', '--cluster-port', String(await findFreePort()),
      '--cluster-announce-ip', '192.0.2.7', '--cluster-announce-port', '6379',
    ],
  });
  t.teardown(node.stop);
  await node.redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await waitUntil('the Cluster is up', async () =>
    String(await node.redis.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
  );
  t.true(JSON.stringify(await node.redis.call('CLUSTER', 'SLOTS')).includes('192.0.2.7'));
  const redisUrl = `redis-cluster://127.0.0.1:${node.port}?nat_map=192.0.2.7:6379=127.0.0.1:${node.port}`;
  await assertReachable(t, redisUrl);
  await assertCounted(t, { redisUrl, shards: 2 });
});
