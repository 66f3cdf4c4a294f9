import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { findServer } from '@streamfold/private-servers';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);

/** The browser gets the page from files under this address; there is no server. */
const ADDRESS = 'http://picture.invalid/';
const PIXELS = { width: 1480, height: 900 };

/** Draws a dashboard with the answers to its panels in a real browser, and writes the picture to a file. */
export async function drawPicture(dashboard, file) {
  const browser = await chromium.launch({
    executablePath: findServer(['chromium', 'chromium-browser', 'google-chrome']),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--force-color-profile=srgb'],
  });
  try {
    const page = await browser.newPage({ viewport: PIXELS, deviceScaleFactor: 1.5 });
    const errors = [];
    page.on('pageerror', (error) => errors.push(error));
    await page.route(`${ADDRESS}**`, (route) =>
      route.fulfill({ path: findFile(route.request().url().slice(ADDRESS.length)) }),
    );
    await page.goto(ADDRESS);
    await page.evaluate(() => document.fonts.ready);
    await page.evaluate((answered) => globalThis.drawDashboard(answered), dashboard);
    if (errors.length > 0) throw errors[0];
    await page.locator('main').screenshot({ path: file });
  } finally {
    await browser.close();
  }
}

function findFile(name) {
  if (name === 'uplot.mjs') return require.resolve('uplot/dist/uPlot.esm.js');
  if (name === 'uplot.css') return require.resolve('uplot/dist/uPlot.min.css');
  if (name.endsWith('.woff2')) return require.resolve(`@fontsource/inter/files/${name}`);
  return fileURLToPath(new URL(`./page/${name || 'dashboard.html'}`, import.meta.url));
}
