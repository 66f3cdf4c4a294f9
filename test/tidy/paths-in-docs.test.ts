import { posix } from 'node:path';
import { test } from '../harness/ava.ts';
import { readComments } from './strip-comments.ts';
import { filesMatching, PAGES, readTracked, TRACKED_FILES, TRACKED_FOLDERS } from './tracked-files.ts';

/** A path from the root, or the end of a path with an extension that only files of this repository have. */
const FROM_ROOT = /(?<![\w./@{}-])(?:packages|docs|test|infra|bench|examples|\.ci)\/[\w./*-]*[\w*/-]/g;
const BY_ENDING = /(?<![\w./@:{}-])[\w-]+(?:\/[\w.-]+)*\.(?:ts|mjs|lua)\b(?!\.)/g;

/** Paths that the build, a test or a run writes. */
const WRITTEN_LATER = /(^|\/)(dist|node_modules)(\/|$)/;

function exists(path: string): boolean {
  const bare = path.replace(/(\/\*\*?)?\/?$/, '');
  if (WRITTEN_LATER.test(bare) || TRACKED_FOLDERS.has(bare)) return true;
  if (bare.includes('*')) {
    const pattern = new RegExp(`^${bare.replaceAll('.', '\\.').replace(/\*+/g, '.*')}$`);
    return TRACKED_FILES.some((file) => pattern.test(file));
  }
  return TRACKED_FILES.some((file) => file === bare || file.endsWith(`/${bare}`));
}

function findMissing(path: string, text: string): string[] {
  const named = [...(text.match(FROM_ROOT) ?? []), ...(text.match(BY_ENDING) ?? [])];
  return [...new Set(named)].filter((each) => !exists(each)).map((each) => `${path} names ${each}`);
}

test('every path that a page of the docs names exists', (t) => {
  t.true(PAGES.length > 5);
  t.deepEqual(
    PAGES.flatMap((page) => findMissing(page, readTracked(page).replace(/https?:\/\/\S+/g, ''))),
    [],
  );
});

test('every path that a comment names exists', (t) => {
  const commented = filesMatching(/\.(ts|mjs|js|lua|ya?ml|sh)$/).filter((path) => path !== 'pnpm-lock.yaml');
  t.deepEqual(
    commented.flatMap((path) =>
      findMissing(path, readComments(path, readTracked(path)).replace(/https?:\/\/\S+/g, '')),
    ),
    [],
  );
});

test('every link between pages leads to a page, and to a heading of it', (t) => {
  const broken = PAGES.flatMap((page) =>
    [...readTracked(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(page, target))
      .map((target) => `${page} links to ${target}`),
  );
  t.deepEqual(broken, []);
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const linked = path === '' ? page : posix.join(posix.dirname(page), path).replace(/\/$/, '');
  if (TRACKED_FOLDERS.has(linked)) return anchor === undefined;
  return TRACKED_FILES.includes(linked) && (anchor === undefined || listAnchors(linked).includes(anchor));
}

/** Anchors of headings, as GitHub derives them. */
function listAnchors(page: string): string[] {
  return [...readTracked(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
