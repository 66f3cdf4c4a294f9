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
    'A setting is a flag and an environment variable that mean the same; the flag wins. An empty variable counts as not\nset. A flag that says what one run is to do, such as `--all`, counts only on the command line: a command that takes it\nrefuses a variable of its name. A value that is not as expected ends the program with exit code 2 and one line that says what was expected and\nwhat came.',
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
    '## Outside of the program',
    renderTable(
      ['variable', 'sets'],
      [
        [code('STREAMFOLD_CACHE'), 'the folder in which the set-up keeps the servers that it provides'],
        [
          code('STREAMFOLD_SIGNING_KEYS'),
          'keys of coordinators, as `readSigningSettings` reads them: `id:secret`, separated by commas or white space; the first one signs',
        ],
        [code('STREAMFOLD_SIGNING_KEYS_FILE'), 'a file with the same'],
        [
          code('STREAMFOLD_REQUIRE_SIGNATURES'),
          '`true`: coordinators refuse what is not signed; default `false`',
        ],
        [
          code('STREAMFOLD_ACCEPT_EARLIER_SIGNATURES'),
          '`false`: coordinators refuse signatures of the version before nonces; default `true`',
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
        ['why so', reason],
        ['taken by', codeList(takenBy)],
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
