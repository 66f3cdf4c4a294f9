/** A step that failed; the message says what to do. */
export class SetupError extends Error {
  constructor(step, message) {
    super(message);
    this.step = step;
  }
}
