import uPlot from 'uplot';
import { colorOfValue, fade } from './colors.mjs';
import { formatValue } from './format-value.mjs';

const COURSE_PIXELS = 80;

/** The latest value, large, in the colour of its threshold, above its curve. */
export function drawStat(panel, range, place) {
  const values = panel.series[0]?.values ?? [];
  const latest = values.at(-1)?.[1];
  const color = colorOfValue(panel, latest ?? 0);
  const [number, unit] = formatValue(latest, panel.fieldConfig.defaults.unit);
  place.classList.add('stat');
  const text = document.createElement('b');
  text.style.color = color;
  text.append(
    number,
    Object.assign(document.createElement('small'), { textContent: unit === '' ? '' : ` ${unit}` }),
  );
  const course = Object.assign(document.createElement('div'), { className: 'course' });
  place.append(course, text);
  const plot = new uPlot(
    {
      width: place.getBoundingClientRect().width + 20,
      height: COURSE_PIXELS,
      padding: [2, 0, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { min: range.start, max: range.end },
        y: { range: (_, __, max) => [0, Math.max(1, max)] },
      },
      axes: [{ show: false }, { show: false }],
      series: [{}, { stroke: color, width: 1.5, fill: fade(color, 0.2), points: { show: false } }],
    },
    [values.map(([at]) => at), values.map(([, value]) => value)],
  );
  course.append(plot.root);
}
