/** An unusable setting. The text is one line: what was expected and what arrived. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}
