import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Middleware } from 'koa';
import { negotiateEncoding } from './negotiate-encoding.ts';

/** Replies smaller than this are not worth compressing, bytes. */
const COMPRESS_FROM_BYTES = 1_024;

const compress = promisify(gzip);

/** Compresses bodies that are texts, if the client accepts it. A body that is already compressed has an encoding. */
export const compressText: Middleware = async (context, next) => {
  await next();
  context.vary('Accept-Encoding');
  const body: unknown = context.body;
  if (typeof body !== 'string' || Buffer.byteLength(body) < COMPRESS_FROM_BYTES) return;
  if (negotiateEncoding(context) === 'identity') return;
  const { type } = context.response;
  const compressed = await compress(body);
  context.set('Content-Encoding', 'gzip');
  context.body = compressed;
  context.type = type;
};
