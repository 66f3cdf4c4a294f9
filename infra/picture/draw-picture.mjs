import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);

/** The page is served to the browser under this address, from files; there is no server. */
const ADDRESS = 'http://picture.invalid/';
const PIXELS = { width: 1480, height: 900 };

/** Draws a dashboard, with what its panels were answered, in a real browser, and writes what is seen to a file. */
export async function drawPicture(dashboard, file) {
  const browser = await chromium.launch({
    executablePath: findBrowser(),
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

/** A Chromium on the PATH, else the one that the set-up has put into the cache. */
function findBrowser() {
  const { PATH = '', STREAMFOLD_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = STREAMFOLD_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'streamfold');
  const found = [...PATH.split(delimiter), join(cache, 'bin')]
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
    .find(isExecutable);
  if (found === undefined) throw new Error('expected a Chromium on the PATH or in the cache; there is none');
  return found;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
