/** The colours of Grafana's dark theme, by the names that dashboards use. */
const NAMED = {
  green: '#73bf69',
  yellow: '#fade2a',
  orange: '#ff9830',
  red: '#f2495c',
  blue: '#5794f2',
  purple: '#b877d9',
};

/** The colours of series without their own, in turn. */
const PALETTE = ['#73bf69', '#fade2a', '#5794f2', '#ff9830', '#b877d9', '#f2495c', '#8ab8ff', '#c0d8ff'];

/** The colour of a series: the one that the panel sets by name, or else the next one of the palette. */
export function colorOfSeries(panel, name, at) {
  const override = panel.fieldConfig.overrides.find(({ matcher }) => matcher.options === name);
  const fixed = override?.properties.find(({ id }) => id === 'color')?.value.fixedColor;
  return NAMED[fixed] ?? PALETTE[at % PALETTE.length];
}

/** The colour of the highest threshold that a value has reached. */
export function colorOfValue(panel, value) {
  const steps = panel.fieldConfig.defaults.thresholds?.steps ?? [];
  return NAMED[steps.findLast((step) => step.value === null || step.value <= value)?.color] ?? NAMED.green;
}

/** The same colour, more or less transparent. */
export function fade(color, opacity) {
  return `${color}${Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0')}`;
}
