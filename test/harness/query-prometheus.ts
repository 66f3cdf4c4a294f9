/** A sample as the query API returns it: labels (with `__name__`) and value. */
export interface QueriedSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** GET /api/v1/query: an instant query, now or at a time. @throws {Error} if Prometheus refuses it. */
export async function queryPrometheus(
  url: string,
  query: string,
  atSeconds?: number,
): Promise<QueriedSample[]> {
  const parameters = { query, ...(atSeconds === undefined ? {} : { time: String(atSeconds) }) };
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams(parameters).toString()}`);
  const body = (await response.json()) as {
    status: string;
    error?: string;
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  if (body.data === undefined)
    throw new Error(`expected an answer to ${query}; got ${body.error ?? body.status}`);
  return body.data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
}

/** The one value of a query such as `sum(…)`; `undefined` if it has none. */
export async function queryValue(
  url: string,
  query: string,
  atSeconds?: number,
): Promise<number | undefined> {
  return (await queryPrometheus(url, query, atSeconds))[0]?.value;
}
