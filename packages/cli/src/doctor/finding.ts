/** The result of one check that the guarantees depend on. */
export interface Finding {
  /** `fail`: a guarantee cannot be kept. `warn`: it can, but you should know this. */
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly what: string;
  /** What was found and, if it is a problem, what to do. */
  readonly text: string;
  /** Commands for a shell that mend it. */
  readonly commands?: readonly string[];
}

/** Makes the findings about one thing, one function for each verdict. */
export function judge(what: string): Readonly<Record<Finding['verdict'], (text: string) => Finding>> {
  return {
    ok: (text) => ({ verdict: 'ok', what, text }),
    warn: (text) => ({ verdict: 'warn', what, text }),
    fail: (text) => ({ verdict: 'fail', what, text }),
  };
}
