/** A sample as the query API gives it: labels (with `__name__`) and value. */
export interface QueriedSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** GET /api/v1/query: an instant query. @throws {Error} where Prometheus refuses it. */
export async function queryPrometheus(url: string, query: string): Promise<QueriedSample[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
  const body = (await response.json()) as {
    status: string;
    error?: string;
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  if (body.data === undefined)
    throw new Error(`expected an answer to ${query}; got ${body.error ?? body.status}`);
  return body.data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
}

/** The one value of a query such as `sum(…)`; `undefined` where it has none. */
export async function queryValue(url: string, query: string): Promise<number | undefined> {
  return (await queryPrometheus(url, query))[0]?.value;
}
