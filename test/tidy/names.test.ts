import { test } from '../harness/ava.ts';
import { filesMatching, findLines, TRACKED_FILES } from './tracked-files.ts';

/** Names with a conventional spelling. */
const CONVENTIONAL =
  /^(README|CHANGELOG|CONTRIBUTING|SECURITY|ARCHITECTURE|GLOSSARY)\.md$|^LICENSE$|^Dockerfile$|^Chart\.yaml$/;
const KEBAB_FILE = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
const KEBAB_FOLDER = /^\.?[a-z0-9]+(-[a-z0-9]+)*$/;

/** Files named after their event type, which has underscores. */
const EVENT_FILE = /^test\/core\/golden\/events\/[a-z_.]+\.v\d+\.json$/;

/** Files named after their alert, because the alert links to them. */
const RUNBOOK = /^docs\/runbooks\/([A-Z][a-z]+)+\.md$/;

/** Names that say nothing about the content. */
const EMPTY_NAMES = /^(types?|constants?|commons?|shared)$/;
/** Words that say nothing in any position, or that belong to another system. */
const EMPTY_WORDS =
  /^(utils?|helpers?|misc|managers?|handlers?|workers?|processors?|services?|messages?|topics?|offsets?)$/;

test('files and folders are named in kebab-case', (t) => {
  const bad = TRACKED_FILES.filter((path) => {
    if (EVENT_FILE.test(path) || RUNBOOK.test(path)) return false;
    const folders = path.split('/');
    const file = folders.pop() ?? '';
    return (
      !(KEBAB_FILE.test(file) || CONVENTIONAL.test(file)) ||
      !folders.every((folder) => KEBAB_FOLDER.test(folder))
    );
  });
  t.deepEqual(bad, []);
});

test('no code uses AbortSignal.any, whose result may be collected before it is aborted', (t) => {
  const code = filesMatching(/^packages\/[^/]+\/src\/.*\.ts$/);
  t.deepEqual(
    code.flatMap((path) => findLines(path, /= AbortSignal\.any\(/)),
    [],
  );
});

test('files and folders are named for their contents, in the words of the glossary', (t) => {
  const bad = TRACKED_FILES.filter((path) =>
    path
      .split('/')
      .map((name) => name.split('.')[0] ?? '')
      .some((name) => EMPTY_NAMES.test(name) || name.split('-').some((word) => EMPTY_WORDS.test(word))),
  );
  t.deepEqual(bad, []);
});
