/** An alert as Prometheus sends it, and whether it is over. */
export interface SentAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly isOver?: boolean;
}

/** POST /api/v2/alerts of an Alertmanager, as Prometheus does. @throws {Error} if it is refused. */
export async function sendAlerts(url: string, alerts: readonly SentAlert[]): Promise<void> {
  const nowMs = Date.now();
  const response = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(
      alerts.map(({ labels, annotations = {}, isOver = false }) => ({
        labels,
        annotations,
        startsAt: new Date(nowMs).toISOString(),
        endsAt: new Date(isOver ? nowMs : nowMs + 600_000).toISOString(),
      })),
    ),
  });
  if (!response.ok)
    throw new Error(`expected alerts to be taken; got ${response.status}: ${await response.text()}`);
}
