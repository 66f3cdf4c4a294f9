import { Page } from './page.ts';

/** Makes pages, and keeps some that are empty again: a new one costs page faults. */
export interface PagePool {
  /** An empty page with room for an event of `bytes`. */
  take(bytes: number, firstSequence: number): Page;
  /** Takes back a page whose events have left. Nobody may read it any longer. */
  give(page: Page): void;
}

/** Most empty pages: as much as is under way and collected at a high rate. */
const SPARE_PAGES = 16;

export function createPagePool(pageBytes: number): PagePool {
  const spares: Page[] = [];
  return {
    take(bytes, firstSequence) {
      const spare = bytes < pageBytes ? spares.pop() : undefined;
      if (spare === undefined) return new Page(Math.max(pageBytes, bytes + 1), firstSequence);
      spare.begin(firstSequence);
      return spare;
    },
    give(page) {
      if (page.bytes.length === pageBytes && spares.length < SPARE_PAGES) spares.push(page);
    },
  };
}
