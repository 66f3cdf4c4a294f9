import uPlot from 'uplot';
import { colorOfSeries, fade } from './colors.mjs';
import { formatValue } from './format-value.mjs';

const TEXT = '#a8a9b8';
const GRID = 'rgb(204 204 220 / 8%)';

/** Lines, or stacked areas, and below them a table of the series with their last and highest values. */
export function drawTimeSeries(panel, range, place) {
  const { unit, custom = {} } = panel.fieldConfig.defaults;
  const stacked = custom.stacking?.mode === 'normal';
  const series = panel.series.map((each, at) => ({ ...each, color: colorOfSeries(panel, each.name, at) }));
  const table = createLegend(series, unit);
  place.append(table);
  const { width, height } = place.getBoundingClientRect();
  const { times, rows } = align(series, range);
  const drawn = stacked ? stack(rows) : rows;
  const plot = new uPlot(
    {
      width,
      height: height - table.offsetHeight - 4,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { min: range.start, max: range.end },
        y: { range: (_, __, max) => [0, niceMaximum(max)] },
      },
      axes: [
        {
          stroke: TEXT,
          font: '12px Inter',
          grid: { stroke: GRID, width: 1 },
          ticks: { show: false },
          size: 24,
          space: 64,
          values: (_, splits) => splits.map(showClock),
        },
        {
          stroke: TEXT,
          font: '12px Inter',
          grid: { stroke: GRID, width: 1 },
          ticks: { show: false },
          size: 74,
          space: 32,
          values: (_, splits) => splits.map((value) => formatValue(value, unit).join(' ')),
        },
      ],
      series: [
        {},
        ...series.map(({ color }) => ({
          stroke: color,
          width: stacked ? 1.2 : 2,
          fill: fade(color, stacked ? 0.3 : 0.07),
          points: { show: false },
          spanGaps: false,
        })),
      ],
      // Each area ends where the one below it begins.
      bands: stacked ? series.slice(1).map((_, at) => ({ series: [at + 2, at + 1] })) : [],
    },
    [times, ...drawn],
  );
  place.prepend(plot.root);
}

/** One column of times, and a row of values for each series, `null` if it has none. */
function align(series, { start, end, step }) {
  const times = [];
  for (let at = start; at <= end; at += step) times.push(at);
  const rows = series.map(({ values }) => {
    const byTime = new Map(values);
    return times.map((at) => {
      const value = byTime.get(at);
      return value !== undefined && Number.isFinite(value) ? value : null;
    });
  });
  return { times, rows };
}

/** Running totals of the rows. */
function stack(rows) {
  const below = [];
  return rows.map((row) =>
    row.map((value, at) => {
      below[at] = (below[at] ?? 0) + (value ?? 0);
      return below[at];
    }),
  );
}

function niceMaximum(max) {
  return max > 0 ? max * 1.12 : 1;
}

function showClock(seconds) {
  return new Date(seconds * 1_000).toTimeString().slice(0, 5);
}

function createLegend(series, unit) {
  const table = document.createElement('table');
  const head = table.insertRow();
  for (const name of ['Name', 'Last', 'Max'])
    head.append(Object.assign(document.createElement('th'), { textContent: name }));
  for (const { name, color, values } of series) {
    const numbers = values.map(([, value]) => value).filter(Number.isFinite);
    const row = table.insertRow();
    const mark = document.createElement('i');
    mark.style.background = color;
    row.insertCell().append(mark, name);
    row.insertCell().textContent = formatValue(numbers.at(-1), unit).join(' ');
    row.insertCell().textContent = formatValue(Math.max(...numbers), unit).join(' ');
  }
  return table;
}
