import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const FOLDER = new URL('../../../dashboards/', import.meta.url);

const Datasource = z.object({ type: z.string(), uid: z.string() });
const Link = z.object({ title: z.string(), url: z.string() });

const Target = z.object({
  refId: z.string(),
  expr: z.string(),
  legendFormat: z.string(),
  datasource: Datasource,
  instant: z.boolean(),
  range: z.boolean(),
});

const Panel = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  description: z.string().default(''),
  datasource: Datasource.optional(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  repeat: z.string().optional(),
  targets: z.array(Target).default([]),
  options: z
    .object({ sortBy: z.array(z.object({ displayName: z.string(), desc: z.boolean() })).default([]) })
    .default({ sortBy: [] }),
  fieldConfig: z
    .object({
      defaults: z.object({
        unit: z.string().optional(),
        links: z.array(Link).default([]),
        mappings: z
          .array(
            z.object({
              type: z.literal('value'),
              options: z.record(z.string(), z.object({ text: z.string() })),
            }),
          )
          .optional(),
        thresholds: z
          .object({ steps: z.array(z.object({ value: z.number().nullable(), color: z.string() })) })
          .optional(),
      }),
      overrides: z.array(
        z.object({
          matcher: z.object({ id: z.string(), options: z.string() }),
          properties: z.array(z.object({ id: z.string(), value: z.unknown() })),
        }),
      ),
    })
    .default({ defaults: { links: [] }, overrides: [] }),
});

const Variable = z.object({
  name: z.string(),
  label: z.string(),
  type: z.enum(['datasource', 'query']),
  query: z.union([z.string(), z.object({ query: z.string() }).transform(({ query }) => query)]),
  datasource: Datasource.optional(),
  multi: z.boolean(),
  includeAll: z.boolean(),
  allValue: z.string().optional(),
  refresh: z.number().optional(),
});

const Annotation = z.object({
  name: z.string(),
  enable: z.boolean(),
  datasource: Datasource,
  expr: z.string(),
});

const Dashboard = z.object({
  uid: z.string(),
  title: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  editable: z.boolean(),
  refresh: z.string(),
  time: z.object({ from: z.string(), to: z.string() }),
  schemaVersion: z.number(),
  templating: z.object({ list: z.array(Variable) }),
  annotations: z.object({ list: z.array(Annotation) }),
  links: z.array(
    z.object({
      type: z.string(),
      tags: z.array(z.string()),
      includeVars: z.boolean(),
      keepTime: z.boolean(),
    }),
  ),
  panels: z.array(Panel),
});

export type DashboardJson = z.infer<typeof Dashboard>;
export type PanelJson = z.infer<typeof Panel>;
export type TargetJson = z.infer<typeof Target>;

/** The committed dashboards, by file name without extension. */
export const DASHBOARDS: ReadonlyMap<string, DashboardJson> = new Map(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [
      name.replace(/\.json$/, ''),
      Dashboard.parse(JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'))),
    ]),
);

/** All panels except rows. */
export function panelsOf(dashboard: DashboardJson): readonly PanelJson[] {
  return dashboard.panels.filter(({ type }) => type !== 'row');
}

/** Every query of every panel of every dashboard, with a description of its place. */
export function listTargets(): {
  where: string;
  dashboard: DashboardJson;
  panel: PanelJson;
  target: TargetJson;
}[] {
  return [...DASHBOARDS.values()].flatMap((dashboard) =>
    panelsOf(dashboard).flatMap((panel) =>
      panel.targets.map((target) => ({
        where: `${dashboard.uid}, ${panel.title}, ${target.refId}`,
        dashboard,
        panel,
        target,
      })),
    ),
  );
}

/** The links of a click on a value of the panel. */
export function dataLinksOf(panel: PanelJson): readonly { title: string; url: string }[] {
  const overridden = panel.fieldConfig.overrides.flatMap(({ properties }) =>
    properties.filter(({ id }) => id === 'links').flatMap(({ value }) => z.array(Link).parse(value)),
  );
  return [...panel.fieldConfig.defaults.links, ...overridden];
}
