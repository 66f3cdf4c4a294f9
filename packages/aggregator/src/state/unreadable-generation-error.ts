/** A generation has definitions that this program does not know: a newer program has written them. */
export class UnreadableGenerationError extends Error {
  override readonly name = 'UnreadableGenerationError';
  readonly generation: string;

  constructor(generation: string, detail: string) {
    super(`generation ${generation}: expected definitions that this program knows; got ${detail}`);
    this.generation = generation;
  }
}
