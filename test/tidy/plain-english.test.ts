import { test } from '../harness/ava.ts';
import { readComments } from './strip-comments.ts';
import { filesMatching, PAGES, readTracked } from './tracked-files.ts';

/** The files to check, by kind. Texts of commands, settings, metrics, events and panels are in the reference. */
const FILES = {
  'the documentation': PAGES,
  'every configuration file that users copy': filesMatching(/^(Dockerfile|infra\/.*\.ya?ml)$/),
  'every comment and text of a package': filesMatching(/^packages\/.*\.(ts|lua|md)$/),
  'every comment and text of the examples, the set-up and the checks of CI': filesMatching(
    /^(examples|infra|bench|\.ci)\/.*\.(ts|mjs|sh)$/,
  ),
};

interface Rule {
  readonly banned: RegExp;
  readonly instead: string;
  /** Phrases that the rule must find, and phrases that it must not find. */
  readonly finds: readonly string[];
  readonly allows?: readonly string[];
}

/** Phrases that a native engineer does not write, and what to write instead. */
const RULES: readonly Rule[] = [
  {
    banned: /\b(is|are|was|were|be|been) told\b|\btold (of|apart)\b/i,
    instead: 'is reported, logged, shown, documented; distinguish',
    finds: ['nobody was told to be stale', 'each told of once', 'teams are told apart'],
    allows: ['unless you have told Redis otherwise'],
  },
  {
    banned: /\b(tell|tells|telling) of\b/i,
    instead: 'reports, documents',
    finds: ['the event that tells of it'],
  },
  {
    banned: /\btells (how|what|which|whether|who|why)\b/i,
    instead: 'explains, shows, returns',
    finds: ['operating tells why'],
  },
  {
    banned:
      /\b(go|goes|went|gone) on (as|by|from|running|to|with)\b|\b(folding|scraping|archiving) goes on\b/i,
    instead: 'continues, resumes, keeps running',
    finds: ['a rebuild that is not gone on with', 'folding goes on'],
    allows: ['they go on call', 'and so on with'],
  },
  {
    banned: /\bin the (archive|log|registry|stream) (no|any) more\b/i,
    instead: 'no longer in the stream',
    finds: ['it is in the log no more'],
    allows: ['nothing is in the stream now'],
  },
  {
    banned: /\bas (it|they|he) must be\b/i,
    instead: 'is malformed, is invalid',
    finds: ['a field that is not as it must be'],
  },
  {
    banned: /\bwho(so)?ever\b|(^|[.;:|] )who (?!is\b)[a-z]+s [^?]*$/i,
    instead: 'name who acts: a client, a publisher, an aggregator',
    finds: ['whoever publishes it again', 'Who publishes twice, appends nothing'],
    allows: ['who is notified', 'look who is on call'],
  },
  {
    banned: /\bwhere (there (is|are|was)|nothing (is|was)|none (is|was)|one (is|was)|that (is|matters))\b/i,
    instead: 'if, when',
    finds: ['where there is no archive', 'where that matters, use an id'],
    allows: ['where it is documented'],
  },
  {
    banned: /\bof one's own\b/i,
    instead: 'your own (before the noun)',
    finds: ["metrics of one's own"],
  },
  {
    banned: /\b(as|so|twice as|half as) many(?! (of|as (you|possible|necessary|needed)))\b[^.|]{0,40}\bas\b/i,
    instead: 'the number of, up to',
    finds: ['removes twice as many old ids as it adds', 'so many series as the limit allows'],
    allows: ['start as many as you like', 'as many as possible'],
  },
  {
    banned: /\b(goes|go|went|come|comes|fall|falls) (down|back|up) by it\b|\bby it[.;,]/i,
    instead: 'leave it out, or name the cause',
    finds: ['why no counter goes down by it'],
  },
  {
    banned: /\bbesides\b|\bwithout further ado\b/i,
    instead: 'also, in addition to; or leave it out',
    finds: ['a random token besides its number'],
    allows: ['beside the other labels'],
  },
  {
    banned: /\bgiven up (as|for) dead\b/i,
    instead: 'declared dead',
    finds: ['given up for dead after a while'],
  },
  {
    banned: /\bthat (is|was) away\b|\bwaits? out a\b/i,
    instead: 'unreachable, down; retries while',
    finds: ['waits out a Redis that is away'],
  },
  {
    banned: /\bheld against\b|\bare held to\b|\bin (hand|vain)\b/i,
    instead: 'checked against; open, unsettled; failed',
    finds: ['the time is held against the clock', 'more than 32 scrapes in hand'],
    allows: ['by hand', 'a second-hand clock'],
  },
  {
    banned: /\bmade anew\b|\bfolded anew\b|\bjoin anew\b|\bwrit(es|ten) anew\b|\bstarts anew\b/i,
    instead: 'again, recreated, restarts',
    finds: ['the group is made anew', 'its age starts anew'],
  },
  {
    banned: /^[-|* ]*What (cannot|could not|is not|was not|comes|came|must|belongs) [^?|]*$/i,
    instead: 'name the subject: "Undecodable events go to …"',
    finds: ['What cannot be folded goes to the dead letters.'],
    allows: ['## What happens', 'What cannot be folded?', 'What is archived'],
  },
];

/** Phrases of comments and test titles only: pages may use them with another meaning. */
const COMMENT_RULES: readonly Rule[] = [
  {
    banned:
      /(@throws( \{\w+\})?|`undefined`|@returns `\w+`|\bor \w+'|\b(True|False|Returns 1)\b[^.;]*?) where\b/,
    instead: 'if',
    finds: [
      '@throws {Error} where it is none',
      '`undefined` where nothing is shown',
      'True where it was removed',
    ],
    allows: ['the place where a reader looks', 'True if the record at which the log ends is known'],
  },
  {
    banned: /(^|\. |\* |\/\*\* |-- )(Gives|Gives up|Tells|Told)\b(?! up on)/,
    instead: 'returns, reports, drops',
    finds: ['/** Gives the entry IDs. */', '/** Told of what happens. */'],
  },
  {
    banned: /\bfor ever\b|\bthe so-\w+ieth\b|\bnot a lot\b/,
    instead: 'forever',
    finds: ['It reconnects for ever'],
  },
  {
    banned:
      /\b(so many|as many) (ms|seconds|bytes|times|events|entries|records|coordinators|round trips)\b(?! as)/,
    instead: 'this number of',
    finds: ['after so many records'],
  },
  {
    banned:
      /\b(is|are) (\w+ )?no more\b(?! \w+ than)|\b(is|are) (no|none|nobody's) (JSON|UTF-8|number|id|URL|time|array|whole number|text)\b/,
    instead: 'is not a …; no longer',
    finds: ['a birth that is no time', 'signals are remembered no more'],
  },
  {
    banned: /\bsome \d/,
    instead: 'about',
    finds: ['it costs some 65 us'],
  },
];

/** The comments of a file, a line each. */
function readCommentLines(path: string): string[] {
  return readComments(path, readTracked(path)).split('\n');
}

/** The titles of tests and of the cases of the alerts. */
function readTitles(path: string): string[] {
  return [
    ...readTracked(path).matchAll(/(?:\b\w*[tT]est(?:\.\w+)*\(|\btitle:)\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g),
  ].map(([, , title = '']) => title);
}

/** Text and output of the program, without code, addresses, headings and titles of tests. Lines stay where they are. */
function readProse(path: string): string {
  const text = readTracked(path);
  if (!path.endsWith('.md')) return text.replace(/^ *# ?/gm, '');
  return text
    .replace(/^ *```(\w*)[\s\S]*?^ *```$/gm, (block, language) =>
      language === 'text' ? block : block.replace(/[^\n]/g, ''),
    )
    .replace(/^#.*$/gm, '')
    .replace(/`[^`\n]*`/g, '`…`')
    .replace(/\[[^\]\n]*\]\([./]*test\/[^)\s]*\)/g, '')
    .replace(/\]\([^)\s]*\)/g, ']');
}

function findBanned(path: string): string[] {
  return findIn(readProse(path).split('\n'), RULES).map(({ at, text }) => `${path}:${at + 1}: ${text}`);
}

/** What is banned in lines, and the index of each line. */
function findIn(lines: readonly string[], rules: readonly Rule[]): { at: number; text: string }[] {
  return lines.flatMap((line, at) => {
    // A phrase may be broken over two lines.
    const both = `${line} ${(lines[at + 1] ?? '').trimStart().replace(/^(\*|\/\/|--) /, '')}`;
    return rules.flatMap(({ banned, instead }) => {
      const found = banned.exec(both);
      if (found === null || found.index > line.length) return [];
      return [{ at, text: `not "${found[0].trim()}"; write: ${instead}` }];
    });
  });
}

for (const [what, paths] of Object.entries(FILES)) {
  test(`${what} is written in plain English`, (t) => {
    t.true(paths.length > 5);
    t.deepEqual(paths.flatMap(findBanned), []);
  });
}

/** This file quotes banned phrases. */
const OWN = 'test/tidy/plain-english.test.ts';
const ALL_RULES = [...RULES, ...COMMENT_RULES];

test('every comment of a program, a test or a script is written in plain English', (t) => {
  const paths = filesMatching(/^(packages|test|bench|infra|examples)\/.*\.(ts|mjs|lua)$/).filter(
    (path) => path !== OWN,
  );
  t.true(paths.length > 500);
  t.deepEqual(
    paths.flatMap((path) => {
      const lines = readCommentLines(path);
      return findIn(lines, ALL_RULES).map(({ at, text }) => `${path}: ${lines[at]?.trim()}: ${text}`);
    }),
    [],
  );
});

test('every test title is written in plain English', (t) => {
  const paths = filesMatching(/^test\/.*\.ts$/).filter((path) => path !== OWN);
  t.true(paths.flatMap(readTitles).length > 700);
  t.deepEqual(
    paths.flatMap((path) =>
      readTitles(path).flatMap((title) =>
        findIn([title], ALL_RULES).map(({ text }) => `${path}: ${title}: ${text}`),
      ),
    ),
    [],
  );
});

test('the rules of plain English find what they ban, and no more', (t) => {
  for (const { banned, finds, allows = [] } of ALL_RULES) {
    for (const phrase of finds) t.regex(phrase, banned);
    for (const phrase of allows) t.notRegex(phrase, banned);
  }
});
