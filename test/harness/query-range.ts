/** A series as the query API returns it for a range: labels, and values by time in seconds. */
export interface QueriedSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, number])[];
}

/** GET /api/v1/query_range for the last seconds, one value per second. @throws {Error} if it is refused. */
export async function queryLast(url: string, query: string, seconds: number): Promise<QueriedSeries[]> {
  const end = Date.now() / 1_000;
  const parameters = { query, start: String(end - seconds), end: String(end), step: '1' };
  const response = await fetch(`${url}/api/v1/query_range?${new URLSearchParams(parameters).toString()}`);
  const body = (await response.json()) as {
    error?: string;
    data?: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  if (body.data === undefined)
    throw new Error(`expected an answer to ${query}; got ${body.error ?? response.status}`);
  return body.data.result.map(({ metric, values }) => ({
    metric,
    values: values.map(([at, value]) => [at, Number(value)]),
  }));
}
