/** A setting that cannot be used. The text is one line: what was expected and what came. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}
