import { parse } from 'yaml';
import { z } from 'zod';
import { readTracked } from '../tidy/tracked-files.ts';

const COMPOSITION = 'infra/compose.yaml';

/** The part of Compose's format that is used; any other key is a mistake. */
const Service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  user: z.string().optional(),
  profiles: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: z.strictObject({ default: z.strictObject({ aliases: z.array(z.string()) }) }).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).default({}),
  healthcheck: z
    .union([
      z.strictObject({ disable: z.literal(true) }),
      z.strictObject({
        test: z.tuple([z.enum(['CMD', 'CMD-SHELL'])]).rest(z.string()),
        interval: z.string().regex(/^\d+s$/),
        timeout: z.string().regex(/^\d+s$/),
        start_period: z.string().regex(/^\d+s$/),
        retries: z.number(),
      }),
    ])
    .optional(),
  restart: z.literal('unless-stopped'),
  read_only: z.boolean().optional(),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
});

const Composition = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
});

export type ComposedService = z.infer<typeof Service>;
export type ReadComposition = z.infer<typeof Composition>;

/**
 * infra/compose.yaml as Compose reads it if only the variables in `variables` are set.
 *
 * @throws {Error} if it has a key or a value that it should not have.
 */
export function readComposition(variables: Readonly<Record<string, string>> = {}): ReadComposition {
  const text = readTracked(COMPOSITION).replace(
    /\$\{([A-Z_]+):-([^}]*)\}/g,
    (_, name: string, byDefault: string) => variables[name] ?? byDefault,
  );
  const document = z.record(z.string(), z.unknown()).parse(parse(text, { merge: true }));
  return Composition.parse(
    Object.fromEntries(Object.entries(document).filter(([key]) => !key.startsWith('x-'))),
  );
}

/** The path in the repository, from its root, of a path inside a container; `undefined` if it is not mounted from there. */
export function locateMounted(service: ComposedService, path: string): string | undefined {
  for (const { source, target } of listMounts(service)) {
    if (path === target || path.startsWith(`${target}/`)) return `${source}${path.slice(target.length)}`;
  }
  return undefined;
}

/** Folders of the repository mounted into a container, as paths from the root, and their places in the container. */
export function listMounts({ volumes }: ComposedService): { source: string; target: string; mode: string }[] {
  return volumes.flatMap((volume) => {
    const [source = '', target = '', mode = ''] = volume.split(':');
    if (!source.startsWith('.')) return [];
    return [
      { source: source.startsWith('../') ? source.slice(3) : `infra/${source.slice(2)}`, target, mode },
    ];
  });
}
