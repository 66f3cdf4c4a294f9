import { benchCoordination } from './coordination.ts';
import { benchDrain } from './drain.ts';
import { benchPublish } from './publish.ts';
import { benchRebuild } from './rebuild.ts';
import { benchReplay } from './replay.ts';
import { benchScrape } from './scrape.ts';

// npm run bench [-- drain scrape publish replay rebuild coordination]: prints the tables of docs/performance.md; progress goes to stderr.

const BENCHES = {
  drain: benchDrain,
  scrape: benchScrape,
  publish: benchPublish,
  replay: benchReplay,
  rebuild: benchRebuild,
  coordination: benchCoordination,
};

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
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (asked.length === 0 || asked.includes(name)) await bench(runs);
  }
}
