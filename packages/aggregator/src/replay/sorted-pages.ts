import { findPage, lowerBound } from '../view/paged-keys.ts';

/**
 * Texts by key, in the order of the keys, that are joined quickly after few changes: they are kept in pages, and only the
 * touched pages are joined again.
 */
export interface SortedPages {
  set(key: string, text: string): void;
  delete(key: string): void;
  has(key: string): boolean;
  /** The joined texts of each page. */
  texts(): Iterable<string>;
  /** All texts, joined. */
  join(): string;
  readonly size: number;
}

interface Page {
  readonly keys: string[];
  readonly texts: string[];
  joined: string | undefined;
}

/** The place of a key. */
interface Place {
  readonly page: Page;
  readonly pageIndex: number;
  /** Index in the page. */
  readonly at: number;
}

/** A page is split above this size: small pages leave less to join again, but many pages take longer to join. */
const PAGE_KEYS = 64;

export function createSortedPages(): SortedPages {
  const pages: Page[] = [{ keys: [], texts: [], joined: '' }];
  let size = 0;

  const insert = ({ page, pageIndex, at }: Place, key: string, text: string): void => {
    page.keys.splice(at, 0, key);
    page.texts.splice(at, 0, text);
    size++;
    if (page.keys.length <= PAGE_KEYS) return;
    const half = page.keys.length >> 1;
    const upper = { keys: page.keys.splice(half), texts: page.texts.splice(half), joined: undefined };
    pages.splice(pageIndex + 1, 0, upper);
  };

  return {
    set(key, text) {
      const pageIndex = findPage(pages, key);
      const page = pages[pageIndex];
      if (page === undefined) return;
      const at = lowerBound(page.keys, key);
      page.joined = undefined;
      if (page.keys[at] === key) page.texts[at] = text;
      else insert({ page, pageIndex, at }, key, text);
    },
    delete(key) {
      const pageIndex = findPage(pages, key);
      const page = pages[pageIndex];
      if (page === undefined) return;
      const at = lowerBound(page.keys, key);
      if (page.keys[at] !== key) return;
      page.keys.splice(at, 1);
      page.texts.splice(at, 1);
      page.joined = undefined;
      size--;
      if (page.keys.length === 0 && pages.length > 1) pages.splice(pageIndex, 1);
    },
    has(key) {
      const { keys } = pages[findPage(pages, key)] ?? { keys: [] };
      return keys[lowerBound(keys, key)] === key;
    },
    *texts() {
      for (const page of pages) yield (page.joined ??= page.texts.join(''));
    },
    join() {
      let text = '';
      for (const page of pages) text += page.joined ??= page.texts.join('');
      return text;
    },
    get size() {
      return size;
    },
  };
}
