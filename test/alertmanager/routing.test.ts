import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from '../harness/ava.ts';
import { amtoolPath } from '@streamfold/private-servers';
import { sendAlerts } from '../harness/send-alerts.ts';
import { ALERTMANAGER_CONFIG, startDeliveredAlertmanager } from '../harness/start-delivered-alertmanager.ts';
import { startNotificationReceiver, type Notification } from '../harness/start-notification-receiver.ts';
import { waitUntil } from '../harness/wait-until.ts';

const run = promisify(execFile);

const receiver = await startNotificationReceiver();
const alertmanager = await startDeliveredAlertmanager(receiver);
test.after.always(async () => {
  await alertmanager.stop();
  await receiver.stop();
});

/** The notifications of an alert that the receiver has got. */
function notificationsOf(alertname: string): Notification[] {
  return receiver.notifications.filter((notification) =>
    (notification.to === 'slack'
      ? notification.attachments[0]?.title
      : notification.payload.summary
    )?.includes(alertname),
  );
}

/** The addressee: a Slack channel, or PagerDuty. */
function addressesOf(alertname: string): string[] {
  const addresses = notificationsOf(alertname).map((notification) =>
    notification.to === 'slack' ? notification.channel : notification.to,
  );
  return [...new Set(addresses)].toSorted();
}

const ANNOTATIONS = {
  summary: 'coordinators die',
  description: 'Given up for dead: 0.7 coordinators a second.',
  runbook_url: 'https://example.org/runbook',
  dashboard_url: 'https://example.org/dashboard',
};

test('amtool accepts the configuration, and finds the templates', async (t) => {
  const { stdout } = await run(amtoolPath(), ['check-config', ALERTMANAGER_CONFIG]);
  t.regex(stdout, /SUCCESS[^]* - 1 templates\n {2}SUCCESS/);
});

const RECEIVERS = { critical: 'critical', warning: 'warning', info: 'info', unheard: 'warning' };

for (const [severity, name] of Object.entries(RECEIVERS)) {
  test(`severity ${severity} is routed to the receiver ${name}`, async (t) => {
    const args = ['config', 'routes', 'test', `--config.file=${ALERTMANAGER_CONFIG}`, `severity=${severity}`];
    const { stdout } = await run(amtoolPath(), [
      ...args,
      'alertname=TimeoutEvents',
      'environment=production',
    ]);
    t.is(stdout.trim(), name);
  });
}

const ADDRESSES = {
  critical: ['#streamfold-critical', 'pagerduty'],
  warning: ['#streamfold-warnings'],
  info: ['#streamfold-info'],
};

for (const [severity, addresses] of Object.entries(ADDRESSES)) {
  test(`an alert of severity ${severity} reaches ${addresses.join(' and ')}, and so does its resolution`, async (t) => {
    const alertname = `Routed${severity}`;
    const labels = { alertname, severity, environment: 'production' };
    await sendAlerts(alertmanager.url, [{ labels, annotations: ANNOTATIONS }]);
    await waitUntil(`${alertname} to be sent`, () => notificationsOf(alertname).length === addresses.length);
    t.deepEqual(addressesOf(alertname), addresses);

    await sendAlerts(alertmanager.url, [{ labels, annotations: ANNOTATIONS, isOver: true }]);
    await waitUntil(`its end`, () => notificationsOf(alertname).length === 2 * addresses.length);
    t.deepEqual(addressesOf(alertname), addresses);
    for (const notification of notificationsOf(alertname).slice(addresses.length)) {
      if (notification.to === 'pagerduty') t.is(notification.event_action, 'resolve');
      else
        t.like(notification.attachments[0], {
          title: `RESOLVED: ${alertname}: coordinators die`,
          color: 'good',
        });
    }
  });
}

test('a notification says what is wrong, how much, what to do and where to look', async (t) => {
  const labels = {
    alertname: 'HeartbeatsLost',
    severity: 'critical',
    environment: 'production',
    region: 'eu',
  };
  await sendAlerts(alertmanager.url, [
    { labels: { ...labels, failure_type: 'stale' }, annotations: ANNOTATIONS },
    {
      labels: { ...labels, failure_type: 'missing' },
      annotations: { ...ANNOTATIONS, description: '0.3 coordinators a second never beat.' },
    },
  ]);
  await waitUntil('both notifications to be sent', () => notificationsOf('HeartbeatsLost').length === 2);
  const lines = [
    '• Given up for dead: 0.7 coordinators a second.',
    '• 0.3 coordinators a second never beat.',
  ];
  for (const notification of notificationsOf('HeartbeatsLost')) {
    const title = 'FIRING 2: HeartbeatsLost in eu: coordinators die';
    if (notification.to === 'slack') {
      const [attachment] = notification.attachments;
      t.like(attachment, {
        title,
        title_link: ANNOTATIONS.dashboard_url,
        color: 'danger',
        actions: [
          { text: 'Runbook', url: ANNOTATIONS.runbook_url },
          { text: 'Dashboard', url: ANNOTATIONS.dashboard_url },
        ],
      });
      t.deepEqual(attachment?.text.trim().split('\n').toSorted(), lines.toSorted());
    } else {
      t.like(notification, {
        routing_key: 'the-routing-key',
        event_action: 'trigger',
        client_url: ANNOTATIONS.dashboard_url,
      });
      t.like(notification.payload, { summary: title, severity: 'critical', class: 'HeartbeatsLost' });
      t.is(notification.payload.custom_details.runbook, ANNOTATIONS.runbook_url);
      const [heading, ...alerts] = notification.payload.custom_details.alerts.trim().split('\n');
      t.is(heading, '"HeartbeatsLost" firing');
      t.deepEqual(alerts.toSorted(), lines.toSorted());
    }
  }
});

test('forty alerts of one name make one notification to each receiver', async (t) => {
  await sendAlerts(
    alertmanager.url,
    Array.from({ length: 40 }, (_, number) => ({
      labels: { alertname: 'ManyAtOnce', severity: 'critical', coordinator_id: `c${number}` },
      annotations: ANNOTATIONS,
    })),
  );
  await waitUntil('the notifications to be sent', () => notificationsOf('ManyAtOnce').length >= 2);
  const titles = notificationsOf('ManyAtOnce').map((notification) =>
    notification.to === 'slack' ? notification.attachments[0]?.title : notification.payload.summary,
  );
  t.deepEqual(
    titles,
    Array.from({ length: 2 }, () => 'FIRING 40: ManyAtOnce: coordinators die'),
  );
});
