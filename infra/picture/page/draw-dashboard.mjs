import { drawPie } from './draw-pie.mjs';
import { drawStat } from './draw-stat.mjs';
import { drawTable } from './draw-table.mjs';
import { drawTimeSeries } from './draw-time-series.mjs';

const DRAWN = { stat: drawStat, piechart: drawPie, table: drawTable, timeseries: drawTimeSeries };
const COLUMN_PIXELS = 1448 / 24;
const ROW_PIXELS = 32;
const GAP_PIXELS = 8;

/** Draws the panels of a dashboard, with their answers, at their positions. */
globalThis.drawDashboard = ({ title, variables, range, panels }) => {
  const header = document.querySelector('header');
  const minutes = Math.round((range.end - range.start) / 60);
  header.innerHTML = `<h1>${title}</h1>${[...variables, { label: 'Last', value: `${minutes} minutes` }]
    .map(({ label, value }) => `<span><b>${label}</b><i>${value}</i></span>`)
    .join('')}`;
  const section = document.querySelector('section');
  let bottom = 0;
  for (const panel of panels) {
    const { x, y, w, h } = panel.gridPos;
    const element = document.createElement(panel.type === 'row' ? 'h2' : 'article');
    element.style.left = `${x * COLUMN_PIXELS + (panel.type === 'row' ? 0 : GAP_PIXELS / 2)}px`;
    element.style.top = `${y * ROW_PIXELS + GAP_PIXELS}px`;
    element.style.width = `${w * COLUMN_PIXELS - GAP_PIXELS}px`;
    element.style.height = `${h * ROW_PIXELS - GAP_PIXELS}px`;
    section.append(element);
    bottom = Math.max(bottom, (y + h) * ROW_PIXELS);
    if (panel.type === 'row') {
      element.textContent = panel.title;
      continue;
    }
    const heading = Object.assign(document.createElement('h3'), { textContent: panel.title });
    const place = document.createElement('div');
    element.append(heading, place);
    DRAWN[panel.type](panel, range, place);
  }
  section.style.height = `${bottom}px`;
};
