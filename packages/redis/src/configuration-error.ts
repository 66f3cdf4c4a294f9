export interface ConfigurationErrorOptions extends ErrorOptions {
  /** The options of the caller that are wrong, by their names in the library. The text begins with them. */
  readonly options?: readonly string[];
}

/** An unusable setting. The text is one line: the options, what was expected and what arrived. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** The options that are wrong. A program that has other names for them, such as flags, can show those. */
  readonly options: readonly string[];

  constructor(expectation: string, { options = [], ...rest }: ConfigurationErrorOptions = {}) {
    super(options.length === 0 ? expectation : `${options.join(', ')}: ${expectation}`, rest);
    this.options = options;
  }
}
