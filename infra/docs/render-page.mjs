/** A page of the reference: its title, the line that names its source, and its parts. */
export function renderPage(title, parts) {
  return [`# ${title}`, GENERATED, ...parts].join('\n\n') + '\n';
}

const GENERATED = '*This page is generated from the code by `npm run docs`; change it there.*';

/** A table; cells may hold `|`. */
export function renderTable(head, rows) {
  return [renderRow(head), `|${'---|'.repeat(head.length)}`, ...rows.map(renderRow)].join('\n');
}

function renderRow(cells) {
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

export function code(text) {
  return `\`${text}\``;
}

export function codeBlock(language, text) {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

/** A list of names, as code. */
export function codeList(names) {
  return names.map(code).join(', ');
}
