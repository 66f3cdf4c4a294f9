import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectRedis } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { createAuthority } from '../harness/certificates.ts';
import { assertCounted } from '../harness/assert-counted.ts';
import { assertReachable, failToConnect, openConnection } from '../harness/open-connection.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { startTlsRedis } from '../harness/start-tls-redis.ts';

const authority = await createAuthority();
const stranger = await createAuthority('Another authority');
const certificate = await authority.issue(['localhost', 'redis.internal', '127.0.0.1']);
const nameOnly = await authority.issue(['redis.internal']);
const client = await authority.issue(['streamfold']);
const strangeClient = await stranger.issue(['streamfold']);
const open = await startTlsRedis({ authority, certificate });
const named = await startTlsRedis({ authority, certificate: nameOnly });
const mutual = await startTlsRedis({ authority, certificate, clientCertificates: 'yes' });
test.after.always(async () => {
  await Promise.all([open, named, mutual].map((server) => server.stop()));
  await Promise.all([authority, stranger].map((each) => each.remove()));
});

const CA = `tls_ca_file=${authority.caFile}`;
const OWN = `tls_cert_file=${client.certFile}&tls_key_file=${client.keyFile}`;

test('a server whose authority is in a file is reached in TLS, by name and by address', async (t) => {
  await assertReachable(t, `rediss://127.0.0.1:${open.tlsPort}?${CA}`);
  await assertReachable(t, `rediss://localhost:${open.tlsPort}/2?${CA}`);
  await assertReachable(t, `redis://localhost:${open.tlsPort}?tls=true&${CA}`);
});

test('a server is reached by a name that only its certificate has', async (t) => {
  await assertReachable(t, `rediss://127.0.0.1:${named.tlsPort}?${CA}&tls_server_name=redis.internal`);
});

test('a server that wants a client certificate is reached with it', async (t) => {
  await assertReachable(t, `rediss://localhost:${mutual.tlsPort}?${CA}&${OWN}`);
});

test('a publisher and an aggregator work in TLS', async (t) => {
  await assertCounted(t, { redisUrl: `rediss://localhost:${mutual.tlsPort}?${CA}&${OWN}` });
});

test('an unknown authority is reported with what is trusted, and what to do', async (t) => {
  t.regex(
    await failToConnect(t, `rediss://127.0.0.1:${open.tlsPort}`),
    /^Redis: expected an answer at rediss:\/\/127\.0\.0\.1:\d+; got a certificate that none of the authorities that Node\.js trusts signed \(.+\): name a file with the certificate of its authority in tls_ca_file$/,
  );
  t.regex(
    await failToConnect(t, `rediss://127.0.0.1:${open.tlsPort}?tls_ca_file=${stranger.caFile}`),
    /got a certificate that none of ".*ca\.pem" \(tls_ca_file\) signed \(.+\): name a file with the certificate of its authority in tls_ca_file$/,
  );
});

test('a certificate for other names is reported with these, and what to do', async (t) => {
  t.regex(
    await failToConnect(t, `rediss://127.0.0.1:${named.tlsPort}?${CA}`),
    /got a certificate for DNS:redis\.internal, not for 127\.0\.0\.1: use a host name that the certificate holds, or give one of its names in tls_server_name$/,
  );
});

test('a client certificate that is missing, or that the server does not trust, is reported as that', async (t) => {
  t.regex(
    await failToConnect(t, `rediss://localhost:${mutual.tlsPort}?${CA}`),
    /server wants a client certificate(?:: name one that the server trusts|, name one) in tls_cert_file, and its key in tls_key_file/,
  );
  const strange = `tls_cert_file=${strangeClient.certFile}&tls_key_file=${strangeClient.keyFile}`;
  t.regex(
    await failToConnect(t, `rediss://localhost:${mutual.tlsPort}?${CA}&${strange}`),
    /(?:got the refusal "unknown ca" of|does not trust) the client certificate ".*certificate-1\.pem" \(tls_cert_file\)/,
  );
});

test('a program survives a connection that it closes in the middle of a handshake', async (t) => {
  for (let turns = 0; turns < 40; turns++) {
    const connection = openConnection(t, `rediss://127.0.0.1:${open.tlsPort}?tls_ca_file=${stranger.caFile}`);
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    connection.disconnect();
  }
  await assertReachable(t, `rediss://127.0.0.1:${open.tlsPort}?${CA}`);
});

test('every command takes the same URL, and names the variable and the file if one is unusable', async (t) => {
  const url = `rediss://localhost:${mutual.tlsPort}?${CA}&${OWN}`;
  const published = await runStreamfold([
    'publish',
    '--redis',
    url,
    'coordinator.started',
    'swarm_id=s',
    'coordinator_id=c',
  ]);
  t.is(published.code, 0, published.stderr);
  const refused = await runStreamfold([
    'status',
    '--redis',
    'rediss://localhost?tls_ca_file=/nowhere/ca.pem',
  ]);
  t.is(refused.code, 2);
  t.is(
    refused.stderr.trim(),
    'streamfold: STREAMFOLD_REDIS_URL (--redis): expected a file that can be read in tls_ca_file, which names "/nowhere/ca.pem"; got ENOENT: no such file or directory',
  );
});

const connect = (query: string) => () =>
  connectRedis(`rediss://localhost?${query}`, { name: 'test', commandTimeoutMs: 1_000 });

test('a file that is missing, or holds no certificate or no fitting key, is named with its parameter', async (t) => {
  t.throws(connect('tls_ca_file=/nowhere/ca.pem'), {
    name: 'ConfigurationError',
    message:
      'Redis URL: expected a file that can be read in tls_ca_file, which names "/nowhere/ca.pem"; got ENOENT: no such file or directory',
  });
  t.throws(connect(`tls_ca_file=${client.keyFile}`), {
    message: /in tls_ca_file, which names ".*"; got none$/,
  });
  const broken = join(authority.directory, 'broken.pem');
  await writeFile(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  t.throws(connect(`tls_ca_file=${broken}`), { message: /in tls_ca_file, .*; got a broken one: / });
  t.throws(connect(`tls_cert_file=${client.certFile}&tls_key_file=${certificate.keyFile}`), {
    message:
      /^Redis URL: expected the private key, as PEM without a passphrase, of the certificate ".*" in tls_key_file, which names ".*"; got a file that is refused: /,
  });
});
