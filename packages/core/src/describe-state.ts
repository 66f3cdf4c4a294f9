import { CATALOGUE, type Catalogue } from './catalogue.ts';
import { readCoordinator } from './coordinator-registers.ts';
import { KEY_SEPARATOR, type Delta } from './delta.ts';
import { createSeriesRenderer } from './exposition.ts';

/**
 * The whole state as comparable lines: each sample of the exposition, each coordinator that is alive with its phase, status
 * and waits, and the totals. Readers cannot distinguish two states that give the same map.
 */
export function describeState(state: Delta, catalogue: Catalogue = CATALOGUE): Map<string, string> {
  const lines = new Map<string, string>();
  for (const metric of catalogue) {
    const render = createSeriesRenderer(metric, 'text');
    for (const [key, value] of state.series.get(metric.name) ?? []) {
      for (const line of render(key, value).trimEnd().split('\n')) {
        const space = line.lastIndexOf(' ');
        lines.set(line.slice(0, space), line.slice(space + 1));
      }
    }
  }
  for (const [key, registers] of state.coordinators) {
    const coordinator = readCoordinator(registers);
    if (coordinator === undefined) continue;
    const { phase, status, openWaits, oldestWaitMs } = coordinator;
    const oldest = oldestWaitMs === undefined ? '' : `, the oldest since ${oldestWaitMs} ms`;
    const name = `coordinator ${key.replace(KEY_SEPARATOR, ' ')}`;
    lines.set(name, `${status} in phase ${phase}, ${openWaits} open waits${oldest}`);
  }
  const { events, deadLetters } = state.totals;
  lines.set('events folded', String(events));
  for (const [reason, count] of deadLetters) lines.set(`dead letters ${reason}`, String(count));
  return lines;
}
