import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { ConfigurationError } from '@streamfold/redis';
import type { ArchiveStore } from './archive-store.ts';

/** How to reach a store that speaks the protocol of S3. Options that are not given are found as AWS's own tools find them. */
export interface S3Options {
  /** URL of a store that is not AWS's. */
  readonly endpoint?: string;
  readonly region?: string;
  /** The bucket stands in the path of a URL, not in its host name; most stores other than AWS need it. */
  readonly pathStyle?: boolean;
}

/** A store that does not answer is given up; by default it would be waited for without end. */
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** An object that shows whether the store keeps its promise; it stays. */
const PROBE = 'conditional-put-probe';

/**
 * A bucket of S3, or of a store that speaks its protocol, under a prefix. Credentials are found as AWS's tools find them:
 * environment, profile, role of the machine or pod.
 *
 * `create` is a conditional put (`If-None-Match: *`). A store that ignores the condition would let two archivers
 * overwrite each other: `prepare` finds out, and refuses it.
 */
export function createS3Store(
  { bucket, prefix }: { bucket: string; prefix: string },
  { endpoint, region, pathStyle = false }: S3Options = {},
): ArchiveStore {
  // The version is pinned to one that runs on every Node that this program runs on: nothing to warn its users of.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: pathStyle,
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    // Other stores do not support the trailing checksums that AWS expects; each segment has its own SHA-256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const keyOf = (name: string): string => (prefix === '' ? name : `${prefix}/${name}`);
  const put = (name: string, bytes: Uint8Array, condition: { IfNoneMatch?: '*' }): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(name), Body: bytes, ...condition }));

  const create = async (name: string, bytes: Uint8Array): Promise<'created' | 'exists'> => {
    try {
      await put(name, bytes, { IfNoneMatch: '*' });
      return 'created';
    } catch (error) {
      if (statusOf(error) === 412) return 'exists';
      throw error;
    }
  };
  let probed = false;

  return {
    async prepare() {
      if (probed) return;
      const body = Buffer.from('{}\n');
      await create(PROBE, body);
      if ((await create(PROBE, body)) === 'created') {
        throw new ConfigurationError(
          `archive s3://${bucket}: expected a store that heeds If-None-Match on PutObject; it overwrote an object`,
        );
      }
      probed = true;
    },
    async read(name) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(name) }));
        return Body === undefined ? undefined : Buffer.from(await Body.transformToByteArray());
      } catch (error) {
        if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return undefined;
        throw error;
      }
    },
    async write(name, bytes) {
      await put(name, bytes, {});
    },
    create,
    async list(folder, after = '') {
      const start = keyOf(`${folder}/`);
      const names: string[] = [];
      let token: string | undefined;
      do {
        const page: ListObjectsV2CommandOutput = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: start,
            ContinuationToken: token,
            StartAfter: `${start}${after}`,
          }),
        );
        for (const { Key = '' } of page.Contents ?? []) names.push(Key.slice(start.length));
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return names.toSorted();
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: keyOf(name) }));
    },
    close: () => client.destroy(),
  };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
