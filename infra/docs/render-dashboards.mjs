import { mixinFiles } from '@streamfold/mixin';
import { code, codeBlock, renderPage, renderTable } from './render-page.mjs';

/** Every dashboard, with its variables, and its panels with their descriptions and queries. */
export function renderDashboards() {
  const dashboards = [...mixinFiles()]
    .filter(([path]) => path.startsWith('dashboards/'))
    .map(([path, text]) => ({ path, ...JSON.parse(text) }));
  return renderPage('Dashboards', [
    '[Dashboards](../dashboards.md) explains how to load them into Grafana and how to use them.',
    renderTable(
      ['dashboard', 'file', 'shows'],
      dashboards.map(({ path, uid, title, description }) => [
        `[${title}](#${toAnchor(title)})`,
        `${code(path)}, uid ${code(uid)}`,
        description,
      ]),
    ),
    ...dashboards.flatMap(renderDashboard),
  ]);
}

function renderDashboard({ title, templating, panels }) {
  const variables = templating.list.map(({ name, label, description = 'The Prometheus to query.' }) => [
    label,
    code(`$${name}`),
    description,
  ]);
  return [
    `## ${title}`,
    renderTable(['variable', 'in queries', 'selects'], variables),
    ...panels.flatMap((panel) =>
      panel.type === 'row' ? [`### ${title}: ${panel.title}`] : renderPanel(panel),
    ),
  ];
}

function renderPanel({ title, type, description, targets, fieldConfig }) {
  const { unit } = fieldConfig.defaults;
  const queries = targets.map(({ expr, legendFormat }) => `# ${legendFormat}\n${expr}`).join('\n\n');
  return [
    `**${title}** (${type}${unit === 'none' ? '' : `, unit ${code(unit)}`}). ${description}`,
    codeBlock('', queries),
  ];
}

/** The anchors that GitHub derives from headings. */
function toAnchor(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
