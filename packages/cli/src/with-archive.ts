import { openArchive, type Archive } from '@streamfold/archive';
import type { Configuration } from './configuration.ts';

/** Does `work` with the configured archive, or with `undefined` if there is none; closes it afterwards. */
export async function withArchive<T>(
  { archive: url, s3Endpoint, s3Region, s3PathStyle }: Configuration,
  work: (archive: Archive | undefined) => Promise<T>,
): Promise<T> {
  if (url === '') return work(undefined);
  const archive = await openArchive(url, {
    ...(s3Endpoint === '' ? {} : { endpoint: s3Endpoint }),
    ...(s3Region === '' ? {} : { region: s3Region }),
    pathStyle: s3PathStyle,
  });
  try {
    return await work(archive);
  } finally {
    archive.close();
  }
}
