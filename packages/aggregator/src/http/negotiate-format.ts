import type { ExpositionFormat } from '@streamfold/core';
import type { Context } from 'koa';

/**
 * The exposition format that the Accept header prefers; `text` if it states no preference or accepts neither.
 *
 * Parameters other than `q` are left out of the comparison: Prometheus adds some (`escaping=…`), and asks for the
 * OpenMetrics versions 1.0.0 and 0.0.1, for both of which 1.0.0 is a good answer.
 */
export function negotiateFormat(context: Context): ExpositionFormat {
  const header = context.get('accept');
  if (header !== '') context.request.headers.accept = header.replace(/;(?!\s*q=)[^;,]+/gi, '');
  return context.accepts(['text/plain', 'application/openmetrics-text']) === 'application/openmetrics-text'
    ? 'openmetrics'
    : 'text';
}
