import { formatValue } from './format-value.mjs';

/** A row for each combination of labels, a column for each query, with the largest numbers of the sorted column on top. */
export function drawTable(panel, _, place) {
  const { overrides } = panel.fieldConfig;
  const columns = panel.targets.map(({ legendFormat }) => legendFormat);
  const labels = [...new Set(panel.series.flatMap(({ labels: each }) => Object.keys(each)))];
  const rows = new Map();
  for (const { labels: each, legend, values } of panel.series) {
    const key = labels.map((label) => each[label] ?? '').join('\0');
    if (!rows.has(key)) rows.set(key, { labels: each, numbers: {} });
    rows.get(key).numbers[legend] = values.at(-1)?.[1];
  }
  const [sortedBy] = (panel.options.sortBy ?? []).map(({ displayName }) => displayName);
  const sorted = [...rows.values()].toSorted(
    (one, other) => (other.numbers[sortedBy] ?? 0) - (one.numbers[sortedBy] ?? 0),
  );
  const unitOf = (column) =>
    overrides.find(({ matcher }) => matcher.options === column)?.properties.find(({ id }) => id === 'unit')
      ?.value ?? 'none';
  const table = document.createElement('table');
  const head = table.insertRow();
  for (const name of [...labels, ...columns])
    head.append(Object.assign(document.createElement('th'), { textContent: name }));
  for (const { labels: each, numbers } of sorted) {
    const row = table.insertRow();
    for (const label of labels) row.insertCell().textContent = each[label] ?? '';
    for (const column of columns)
      row.insertCell().textContent = formatValue(numbers[column], unitOf(column)).join(' ');
  }
  place.append(table);
}
