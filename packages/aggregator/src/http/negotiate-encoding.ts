import type { Context } from 'koa';

/**
 * The content encoding that the Accept-Encoding header prefers. A client that accepts neither gets them uncompressed:
 * RFC 9110 allows that, and a scraper can read them.
 */
export function negotiateEncoding(context: Context): 'gzip' | 'identity' {
  return context.acceptsEncodings(['gzip', 'identity']) === 'gzip' ? 'gzip' : 'identity';
}
