import type { SeriesKey, TextBytes } from '@streamfold/core';
import { findPage, lowerBound } from './paged-keys.ts';
import { shareCopy, spliceBytes, type SharedBytes } from './shared-bytes.ts';

/** The series of a family, as they are shown. */
export interface ShownSeries {
  has(key: SeriesKey): boolean;
  /** Appends the lines of a series. Returns false, and appends nothing, if there is no such series, or no longer. */
  write(key: SeriesKey, out: TextBytes): boolean;
}

/**
 * The lines of all series of a family as bytes, in the order of their keys, in pages.
 *
 * ```
 *            update: the series is in the page            update: a new series, or one that is gone
 *   settled ───────────────────────────────────▶ settled ─────────────────────────────────────────▶ stale
 *                 written in its place                ▲                                                │
 *                                                     └────────────── settle: written as a whole ──────┘
 * ```
 */
export interface FamilyPages {
  /** Writes a series again, in its place if it has one; else its page becomes stale. */
  update(key: SeriesKey): void;
  /** Writes the stale pages, one at each step. */
  settle(): Generator<void>;
  /** The pages in their order; all must be settled. */
  parts(): Iterable<SharedBytes>;
  /** Changes whenever a page gets other bytes. */
  readonly version: number;
}

interface Page {
  keys: SeriesKey[];
  /** Where the lines of each series end. */
  ends: number[];
  shared: SharedBytes;
  isStale: boolean;
}

/** When a page is written, it ends at this size, bytes: dozens of histograms. */
const PAGE_BYTES = 64 * 1024;
/** It has at most this number of series: inserting one moves the keys after it. */
const PAGE_KEYS = 512;

/** @param out is used while a series or a page is written; others may use it in between. */
export function createFamilyPages({ has, write }: ShownSeries, out: TextBytes): FamilyPages {
  const pages: Page[] = [createPage([])];
  let version = 0;

  const insert = (pageIndex: number, key: SeriesKey): void => {
    const page = pages[pageIndex];
    if (page === undefined) return;
    page.keys.splice(lowerBound(page.keys, key), 0, key);
    page.isStale = true;
    if (page.keys.length <= PAGE_KEYS) return;
    const upper = createPage(page.keys.splice(PAGE_KEYS >> 1));
    pages.splice(pageIndex + 1, 0, upper);
  };

  /** Replaces the lines of the series at `at` by the contents of `out`. */
  const replace = (page: Page, at: number): void => {
    const { ends, shared } = page;
    const start = at === 0 ? 0 : (ends[at - 1] ?? 0);
    const end = ends[at] ?? 0;
    if (shared.bytes.compare(out.bytes, 0, out.length, start, end) === 0) return;
    page.shared = spliceBytes(shared, { start, end }, out.bytes.subarray(0, out.length));
    version++;
    const shift = out.length - (end - start);
    if (shift !== 0)
      for (let later = at; later < ends.length; later++) ends[later] = (ends[later] ?? 0) + shift;
  };

  return {
    update(key) {
      const pageIndex = findPage(pages, key);
      const page = pages[pageIndex];
      if (page === undefined) return;
      const at = lowerBound(page.keys, key);
      if (page.keys[at] !== key) {
        if (has(key)) insert(pageIndex, key);
        return;
      }
      if (page.isStale) return;
      out.length = 0;
      if (write(key, out)) replace(page, at);
      else page.isStale = true;
    },
    *settle() {
      for (let at = 0; at < pages.length; at++) {
        const page = pages[at];
        if (page === undefined || !page.isStale) continue;
        const written = writePages(page.keys, write, out);
        if (written.length === 0) written.push(createPage([]));
        pages.splice(at, 1, ...written);
        at += written.length - 1;
        version++;
        yield;
      }
      removeEmpty(pages);
    },
    *parts() {
      for (const { shared } of pages) yield shared;
    },
    get version() {
      return version;
    },
  };
}

/** Pages with the present lines of some series; none if there are no such series. */
function writePages(keys: readonly SeriesKey[], write: ShownSeries['write'], out: TextBytes): Page[] {
  const written: Page[] = [];
  let page = createPage([]);
  out.length = 0;
  const close = (): void => {
    page.shared = shareCopy(out.bytes.subarray(0, out.length));
    if (page.keys.length > 0) written.push(page);
    page = createPage([]);
    out.length = 0;
  };
  for (const key of keys) {
    if (!write(key, out)) continue;
    page.keys.push(key);
    page.ends.push(out.length);
    if (out.length >= PAGE_BYTES) close();
  }
  close();
  return written;
}

function createPage(keys: SeriesKey[]): Page {
  return { keys, ends: [], shared: shareCopy(NOTHING), isStale: keys.length > 0 };
}

const NOTHING = new Uint8Array();

/** At least one page stays. */
function removeEmpty(pages: Page[]): void {
  for (let at = pages.length - 1; at >= 0 && pages.length > 1; at--)
    if (pages[at]?.keys.length === 0) pages.splice(at, 1);
}
