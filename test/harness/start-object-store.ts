import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/**
 * The part of the S3 protocol that an archive needs, with the bucket in the path: PutObject with `If-None-Match`,
 * GetObject, DeleteObject, ListObjectsV2 in short pages. It is not S3: it only checks that requests are signed.
 */
export interface ObjectStore {
  readonly endpoint: string;
  /** From `bucket/key` to content. */
  readonly objects: Map<string, Buffer>;
  /** The requests that arrived, as `PUT bucket/key`. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

/** Most objects on a page of a list: few, so that lists have several pages. */
const PAGE_KEYS = 3;

interface Reply {
  readonly status: number;
  readonly body?: Buffer | string;
}

/**
 * Starts a store on a free port. If `heedsConditions` is false it overwrites everything, as some stores do. Requests that match
 * `refused`, as `PUT bucket/key`, are not permitted.
 */
export async function startObjectStore({
  heedsConditions = true,
  refused = undefined as RegExp | undefined,
} = {}): Promise<ObjectStore> {
  const objects = new Map<string, Buffer>();
  const requests: string[] = [];

  const reply = async (request: IncomingMessage): Promise<Reply> => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://store');
    const name = decodeURIComponent(pathname.slice(1));
    requests.push(`${request.method} ${name}`);
    const content = await buffer(request);
    if (!/^AWS4-HMAC-SHA256 Credential=.+Signature=[0-9a-f]{64}$/.test(request.headers.authorization ?? '')) {
      return fail(403, 'AccessDenied');
    }
    if (refused?.test(`${request.method} ${name}`) === true) return fail(403, 'AccessDenied');
    if (request.method === 'PUT') {
      const taken = request.headers['if-none-match'] === '*' && objects.has(name);
      if (heedsConditions && taken) return fail(412, 'PreconditionFailed');
      objects.set(name, content);
      return { status: 200 };
    }
    if (request.method === 'DELETE') {
      objects.delete(name);
      return { status: 204 };
    }
    if (searchParams.get('list-type') === '2') return list(name, searchParams);
    const body = objects.get(name);
    return body === undefined ? fail(404, 'NoSuchKey') : { status: 200, body };
  };

  const list = (path: string, query: URLSearchParams): Reply => {
    const bucket = path.replace(/\/$/, '');
    const keys = [...objects.keys()]
      .filter((name) => name.startsWith(`${bucket}/${query.get('prefix') ?? ''}`))
      .map((name) => name.slice(bucket.length + 1))
      .filter((key) => key > (query.get('continuation-token') ?? query.get('start-after') ?? ''))
      .toSorted();
    const page = keys.slice(0, PAGE_KEYS);
    const token = keys.length > page.length ? (page.at(-1) ?? '') : undefined;
    const more =
      token === undefined
        ? '<IsTruncated>false</IsTruncated>'
        : `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`;
    const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
    return { status: 200, body: `<ListBucketResult>${more}${contents}</ListBucketResult>` };
  };

  const server = createServer((request, response) => {
    void reply(request).then(({ status, body = '' }) => {
      response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function fail(status: number, code: string): Reply {
  return { status, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` };
}
