import { readFileSync } from 'node:fs';

/**
 * The configurations of Prometheus for infra/compose.yaml: path from the root, and text. They are the delivered one with
 * the names that the containers have, and the same with remote write.
 *
 * @throws {Error} where the delivered one has not what is to be replaced.
 */
export function deriveConfigs() {
  const composed = replaceEach(read('prometheus.yml'), [
    [/^# [\s\S]*?\nglobal:/, `${TITLE}\nglobal:`],
    [/(metrics_path: \/prometheus\/metrics\n[\s\S]*?)localhost:3000/, '$1aggregator:3000'],
    [
      /(metrics_path: \/metrics\n) *static_configs:\n *- targets: \['localhost:3000'\]\n/,
      `$1${EACH_AGGREGATOR}`,
    ],
    ['localhost:9093', 'alertmanager:9093'],
  ]);
  const remoteWrite = replaceEach(read('remote-write.yml'), [
    [/^# [\s\S]*?\n(?=remote_write:)/, ''],
    ['localhost:8428', 'victoria-metrics:8428'],
  ]);
  return new Map([
    ['infra/prometheus/compose.yml', composed],
    ['infra/prometheus/compose-long-term.yml', `${composed}\n${remoteWrite}`],
  ]);
}

const TITLE = `# Prometheus of infra/compose.yaml: written by \`npm run mixin\`, from infra/prometheus/prometheus.yml; change it there.`;

/** The name has an address for each aggregator. */
const EACH_AGGREGATOR = `    dns_sd_configs:
      - names: [aggregator]
        type: A
        port: 3000
        refresh_interval: 10s
`;

function read(file) {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

/** Each pattern is replaced where it stands first, and must stand somewhere. */
function replaceEach(text, replacements) {
  return replacements.reduce((result, [pattern, replacement]) => {
    const replaced = result.replace(pattern, replacement);
    if (replaced === result)
      throw new Error(`expected ${pattern} in a configuration of infra/prometheus; there is none`);
    return replaced;
  }, text);
}
