// Draws docs/images/blocking-coordination.png: `npm run picture`. A real demo runs for some minutes, a real Prometheus
// scrapes it, the panels of the dashboard are queried as Grafana queries them, and a real browser draws the answers.
//
//   node infra/picture.mjs [--minutes 5]
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawPicture } from './picture/draw-picture.mjs';
import { queryPanels } from './picture/query-panels.mjs';
import { startScrapedDemo } from './picture/start-scraped-demo.mjs';
import { showStep } from './setup/show-step.mjs';

const DASHBOARD = new URL('../dashboards/blocking-coordination.json', import.meta.url);
const PICTURE = fileURLToPath(new URL('../docs/images/blocking-coordination.png', import.meta.url));

/** Before that, a rate over a minute covers less than a minute. */
const WARM_UP_SECONDS = 75;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' } } });
const shownSeconds = Number(values.minutes) * 60;

const demo = await startScrapedDemo();
try {
  await showStep(`running the demo for ${values.minutes} minutes`, () =>
    pause((WARM_UP_SECONDS + shownSeconds) * 1_000),
  );
  const dashboard = await queryPanels(DASHBOARD, { prometheusUrl: demo.prometheusUrl, shownSeconds });
  mkdirSync(dirname(PICTURE), { recursive: true });
  await showStep('drawing', () => drawPicture(dashboard, PICTURE));
} finally {
  await demo.stop();
}
