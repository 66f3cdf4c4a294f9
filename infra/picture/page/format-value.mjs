/** A value and its unit, as Grafana shows them. */
export function formatValue(value, unit) {
  if (value === undefined || value === null || !Number.isFinite(value)) return ['–', ''];
  if (unit === 's') return formatSeconds(value);
  if (unit === 'cps') return [round(value), 'c/s'];
  if (unit.startsWith('suffix:')) return [round(value), unit.slice('suffix:'.length).trim()];
  return [round(value), ''];
}

function formatSeconds(seconds) {
  if (seconds === 0) return ['0', 's'];
  if (seconds < 1) return [round(seconds * 1_000), 'ms'];
  if (seconds < 120) return [round(seconds), 's'];
  return [round(seconds / 60), 'min'];
}

/** Three significant digits. */
function round(value) {
  return String(Number(value.toPrecision(3)));
}
