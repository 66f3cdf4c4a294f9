import { describeDefault, describeExpected, describeUnit, SETTINGS } from 'streamfold';
import { code, codeList, renderPage, renderTable } from './render-page.mjs';

/** Every setting: an overview, then each with its bounds and reason, and the commands that take it. */
export function renderConfiguration(helps) {
  const settings = Object.values(SETTINGS).map((setting) => ({
    ...setting,
    unit: describeUnit(setting),
    expected: describeExpected(setting),
    shownDefault: showDefault(setting),
    name: setting.oneShot ? setting.flag : setting.variable,
    takenBy: listTakers(setting, helps),
  }));
  return renderPage('Configuration', [
    'Each setting has a flag and an environment variable; the flag takes precedence. An empty variable counts as not\nset. A flag for a single run, such as `--all`, works only on the command line: a command that accepts it\nrejects a variable of its name. An invalid value ends the program with exit code 2 and one line that says what was expected and\nwhat was found.',
    renderTable(
      ['variable', 'flag', 'unit', 'default', 'sets'],
      settings.map((setting) => [
        `[${code(setting.name)}](#${setting.name.toLowerCase()})`,
        code(setting.flag),
        setting.unit,
        setting.shownDefault,
        setting.help,
      ]),
    ),
    ...settings.flatMap(renderSetting),
    '## Outside the program',
    renderTable(
      ['variable', 'sets'],
      [
        [code('STREAMFOLD_CACHE'), 'the folder in which the set-up stores the servers that it installs'],
        [
          code('STREAMFOLD_TEST_SERVER'),
          'the program of the Redis or Valkey that tests start; default: the first one on the `PATH` or in that folder',
        ],
        [
          code('STREAMFOLD_SIGNING_KEYS'),
          'keys of coordinators, as `readSigningSettings` reads them: `id:secret`, separated by commas or white space; the first one signs',
        ],
        [code('STREAMFOLD_SIGNING_KEYS_FILE'), 'a file with these keys'],
        [
          code('STREAMFOLD_REQUIRE_SIGNATURES'),
          '`true`: coordinators reject unsigned signals and ACKs; default `false`',
        ],
        [
          code('STREAMFOLD_ACCEPT_EARLIER_SIGNATURES'),
          '`false`: coordinators reject signatures of the version before nonces; default `true`',
        ],
      ],
    ),
  ]);
}

function renderSetting(setting) {
  const { name, flag, argument, unit, shownDefault, expected, reason, takenBy } = setting;
  return [
    `### ${name}`,
    `${upperFirst(setting.help)}.`,
    renderTable(
      ['', ''],
      [
        ['flag', code(argument === undefined ? flag : `${flag} <${argument}>`)],
        ['unit', unit],
        ['default', shownDefault],
        ['expected', expected],
        ['reason', reason],
        ['used by', codeList(takenBy)],
      ],
    ),
  ];
}

function listTakers({ flag }, helps) {
  const names = helps
    .filter(({ text }) => new RegExp(`^ +${flag}\\b(?!-)`, 'm').test(text))
    .map(({ path }) => path.join(' '));
  if (names.length === 0) throw new Error(`expected a command that takes ${flag}; there is none`);
  return names;
}

function showDefault(setting) {
  const { words, value } = describeDefault(setting);
  return words ?? code(value);
}

function upperFirst(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
