import { codeBlock, renderPage } from './render-page.mjs';

/** Every command with its help. */
export function renderCommands(helps) {
  const [, ...commands] = helps;
  return renderPage('Commands', [
    'After either set-up command, run each command as `npx streamfold <command>` from the root of the repository.\n[Configuration](configuration.md) explains the options.',
    '| exit code | meaning |\n|---|---|\n| 0 | done |\n| 1 | failed, or found a problem that it checks for: a difference, an unmet requirement |\n| 2 | wrong usage: one line on standard error says what was expected and what was found |',
    ...helps.slice(0, 1).flatMap(renderCommand),
    ...commands.flatMap(renderCommand),
  ]);
}

function renderCommand({ path, text }) {
  return [`## \`${['streamfold', ...path].join(' ')}\``, codeBlock('text', text)];
}
