import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '@streamfold/redis';
import type { ArchiveStore } from './archive-store.ts';
import { createDirectoryStore } from './directory-store.ts';
import type { S3Options } from './s3-store.ts';
import { nameFailures } from './store-error.ts';

/** Segments of all shards of one installation. */
export interface Archive {
  /** As it was named, for texts. */
  readonly url: string;
  readonly store: ArchiveStore;
  /** Closes what is open. */
  close(): void;
}

/**
 * The archive at `url`: `s3://bucket/prefix`, `file:///path`, or a path. Nothing is read or made yet.
 *
 * @throws {ConfigurationError} if it is none of these.
 */
export async function openArchive(url: string, s3: S3Options = {}): Promise<Archive> {
  if (typeof url !== 'string') throw badUrl(url);
  const store = nameFailures(await openStore(url, s3), url);
  return { url, store, close: () => store.close() };
}

async function openStore(url: string, s3: S3Options): Promise<ArchiveStore> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(url)?.[1];
  if (scheme === 's3') {
    const [, bucket = '', prefix = ''] =
      /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url) ?? [];
    if (bucket === '') throw badUrl(url);
    // Loaded only here: an archive in a directory need not wait for the client of S3.
    const { createS3Store } = await import('./s3-store.ts');
    return createS3Store({ bucket, prefix: prefix.replace(/\/+$/, '') }, s3);
  }
  if (scheme === 'file') {
    try {
      return createDirectoryStore(fileURLToPath(url));
    } catch (cause) {
      throw badUrl(url, cause);
    }
  }
  if (scheme !== undefined || url === '') throw badUrl(url);
  return createDirectoryStore(resolve(url));
}

function badUrl(url: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    `archive: expected s3://bucket/prefix, file:///path or a path; got ${JSON.stringify(url)}`,
    { cause },
  );
}
