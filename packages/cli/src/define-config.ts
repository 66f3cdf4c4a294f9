import type { StreamfoldConfiguration } from '@streamfold/core';

export type { StreamfoldConfiguration };

/** The content of a configuration file, for the sake of its type: `export default defineConfig({ … })`. */
export function defineConfig(configuration: StreamfoldConfiguration): StreamfoldConfiguration {
  return configuration;
}
