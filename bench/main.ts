import { benchCluster } from './cluster.ts';
import { benchCoordination } from './coordination.ts';
import { benchDrain } from './drain.ts';
import { benchFootprint } from './footprint.ts';
import { benchPeers } from './peers.ts';
import { benchPublish } from './publish.ts';
import { benchRebuild } from './rebuild.ts';
import { benchReplay } from './replay.ts';
import { benchScrape } from './scrape.ts';
import { createMeasurements } from './summary/measurements.ts';
import { printSummary } from './summary/print-summary.ts';

// npm run bench [-- drain scrape publish replay rebuild coordination footprint cluster peers]: prints the tables of docs/performance.md, and at
// the end the required values next to the measured ones; progress goes to stderr. `peers` needs Go, and runs only if named.

const BENCHES = {
  drain: benchDrain,
  scrape: benchScrape,
  publish: benchPublish,
  replay: benchReplay,
  rebuild: benchRebuild,
  coordination: benchCoordination,
  footprint: benchFootprint,
  cluster: benchCluster,
  peers: benchPeers,
};
const ONLY_IF_NAMED = 'peers';

/** Runs of each measurement; the median is reported. */
const runs = Number(process.env['RUNS'] ?? 5);
const asked = process.argv.slice(2);
const known = Object.keys(BENCHES);
const unknown = asked.find((name) => !known.includes(name));

if (unknown !== undefined || !Number.isInteger(runs) || runs < 1) {
  console.error(
    `expected RUNS of at least 1 and names out of ${known.join(', ')}; got RUNS=${runs} ${asked.join(' ')}`,
  );
  process.exitCode = 2;
} else {
  const measurements = createMeasurements();
  for (const [name, bench] of Object.entries(BENCHES)) {
    const isWanted = asked.length === 0 ? name !== ONLY_IF_NAMED : asked.includes(name);
    if (isWanted) await bench(runs, measurements);
  }
  if (!printSummary(measurements)) process.exitCode = 1;
}
