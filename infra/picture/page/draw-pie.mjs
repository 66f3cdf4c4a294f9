import { colorOfSeries } from './colors.mjs';

const RADIUS = 66;
const RING = 52;
const SPACE = 184;

/** A ring of shares with their names and values, and a table of them. */
export function drawPie(panel, _range, place) {
  const slices = panel.series
    .map(({ name, values }, at) => ({
      name,
      value: values.at(-1)?.[1] ?? 0,
      color: colorOfSeries(panel, name, at),
    }))
    .filter(({ value }) => value > 0);
  const total = slices.reduce((sum, { value }) => sum + value, 0);
  place.classList.add('pie');
  place.innerHTML = `<svg width="${SPACE}" height="${SPACE}" viewBox="${[-SPACE / 2, -SPACE / 2, SPACE, SPACE].join(' ')}"></svg>`;
  const circumference = 2 * Math.PI * RADIUS;
  let before = 0;
  let shapes = '';
  for (const { name, value, color } of slices) {
    const share = value / total;
    const angle = 2 * Math.PI * (before + share / 2) - Math.PI / 2;
    shapes += `<circle r="${RADIUS}" fill="none" stroke="${color}" stroke-width="${RING}"
      stroke-dasharray="${share * circumference - 1.5} ${circumference}"
      transform="rotate(${before * 360 - 90})"/>
      <text x="${RADIUS * Math.cos(angle)}" y="${RADIUS * Math.sin(angle)}" text-anchor="middle" fill="#181b1f"
      font-size="12.5" font-weight="600"><tspan>${name}</tspan><tspan x="${RADIUS * Math.cos(angle)}" dy="15">${value}</tspan></text>`;
    before += share;
  }
  place.querySelector('svg').innerHTML = shapes;
  const table = document.createElement('table');
  for (const { name, value, color } of [{ name: '' }, ...slices]) {
    const row = table.insertRow();
    if (color === undefined) {
      row.innerHTML = '<th>Name</th><th>Value</th><th>Percent</th>';
      continue;
    }
    row.innerHTML = `<td><i style="background:${color}"></i>${name}</td><td>${value}</td><td>${Math.round((100 * value) / total)} %</td>`;
  }
  place.append(table);
}
