import { codeBlock, renderPage } from './render-page.mjs';

/** Every command with its help. */
export function renderCommands(helps) {
  const [, ...commands] = helps;
  return renderPage('Commands', [
    'From the root of the repository, after either set-up command, each runs as `npx streamfold <command>`. What the options\nmean is in the [configuration](configuration.md).',
    '| exit code | means |\n|---|---|\n| 0 | done |\n| 1 | it failed, or found what it was to look for: a difference, a need that is not met |\n| 2 | it was called wrongly: one line on standard error says what was expected and what came |',
    ...helps.slice(0, 1).flatMap(renderCommand),
    ...commands.flatMap(renderCommand),
  ]);
}

function renderCommand({ path, text }) {
  return [`## \`${['streamfold', ...path].join(' ')}\``, codeBlock('text', text)];
}
