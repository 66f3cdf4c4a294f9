/** The rule files of Prometheus: path and text of each. */
export function ruleFiles(): ReadonlyMap<string, string> {
  return new Map();
}
