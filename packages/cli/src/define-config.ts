import type { StreamfoldConfiguration } from '@streamfold/core';

export type { StreamfoldConfiguration };

/** Returns the content of a configuration file unchanged, and checks its type: `export default defineConfig({ … })`. */
export function defineConfig(configuration: StreamfoldConfiguration): StreamfoldConfiguration {
  return configuration;
}
