import { HEALTH_REASON_NAMES, HEALTH_REASONS } from '@streamfold/core';
import { HEALTH_ALERTS } from '@streamfold/mixin';
import { code, renderPage, renderTable } from './render-page.mjs';

/** Every reason of the health endpoint, with its alert. */
export function renderHealth() {
  return renderPage('Health', [
    '`GET /prometheus/health` lists everything that is wrong as `reasons`, and `streamfold_health_reason{reason="…"}` of\n`/metrics` is 1 while a reason is present. [Operating](../operating.md#health) explains both.',
    renderTable(
      ['reason', 'status', 'means', 'alert'],
      HEALTH_REASON_NAMES.map((reason) => {
        const { status, meaning } = HEALTH_REASONS[reason];
        return [code(reason), code(status), meaning, describeAlert(HEALTH_ALERTS[reason])];
      }),
    ),
  ]);
}

function describeAlert(row) {
  return 'alert' in row ? `[${row.alert}](../runbooks/${row.alert}.md)` : `none: ${row.because}`;
}
