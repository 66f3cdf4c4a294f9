/** Units of Grafana's for what is counted: it shows the number with this behind it. */
export const PER_SECOND = 'suffix: /s';
export const PER_MINUTE = 'suffix: /min';
