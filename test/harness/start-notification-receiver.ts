import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

/** The parts of a request to Slack's incoming webhook that tests look at. */
const SlackNotification = z.object({
  channel: z.string(),
  attachments: z
    .array(
      z.object({
        title: z.string(),
        title_link: z.string().optional(),
        text: z.string(),
        color: z.string(),
        footer: z.string(),
        actions: z.array(z.object({ text: z.string(), url: z.string().optional() })),
      }),
    )
    .length(1),
});

/** A request to PagerDuty's Events API v2: a resolve shares only its key with its trigger. */
const PagerDutyNotification = z.object({
  routing_key: z.string(),
  dedup_key: z.string(),
  event_action: z.enum(['trigger', 'resolve']),
  client_url: z.string().optional(),
  payload: z.object({
    summary: z.string(),
    severity: z.string(),
    class: z.string(),
    custom_details: z.object({ alerts: z.string(), runbook: z.string() }),
  }),
});

/** One notification, as Slack or PagerDuty would have received it. */
export type Notification =
  | ({ readonly to: 'slack' } & z.output<typeof SlackNotification>)
  | ({ readonly to: 'pagerduty' } & z.output<typeof PagerDutyNotification>);

/** A server in place of Slack and PagerDuty that keeps every notification. */
export interface NotificationReceiver {
  readonly slackUrl: string;
  readonly pagerDutyUrl: string;
  /** All notifications so far, in the order in which they arrived. */
  readonly notifications: readonly Notification[];
  stop(): Promise<void>;
}

/** Starts a receiver on a free port of 127.0.0.1. */
export async function startNotificationReceiver(): Promise<NotificationReceiver> {
  const notifications: Notification[] = [];
  const server = createServer((request, response) => {
    text(request)
      .then((body) => {
        const sent: unknown = JSON.parse(body);
        if (request.url === '/slack') {
          notifications.push({ to: 'slack', ...SlackNotification.parse(sent) });
          response.writeHead(200).end('ok'); // newer Alertmanagers take anything else for a failure
        } else {
          notifications.push({ to: 'pagerduty', ...PagerDutyNotification.parse(sent) });
          response.writeHead(202).end('{}');
        }
      })
      .catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    slackUrl: `${url}/slack`,
    pagerDutyUrl: `${url}/v2/enqueue`,
    notifications,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
