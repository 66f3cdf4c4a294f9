import { test } from '../harness/ava.ts';
import { ruleFiles } from '@streamfold/mixin';
import { parse } from 'yaml';
import { sendAlerts, type SentAlert } from '../harness/send-alerts.ts';
import { startDeliveredAlertmanager } from '../harness/start-delivered-alertmanager.ts';
import { startNotificationReceiver } from '../harness/start-notification-receiver.ts';
import { waitUntil } from '../harness/wait-until.ts';

const receiver = await startNotificationReceiver();
const alertmanager = await startDeliveredAlertmanager(receiver);
test.after.always(async () => {
  await alertmanager.stop();
  await receiver.stop();
});

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string;
      readonly labels?: Readonly<Record<string, string>>;
    }[];
  }[];
}

/** Labels of every delivered alert. If a name has two severities, the alert is `name severity`. */
const LABELS = new Map(
  [...ruleFiles().values()]
    .flatMap((text) => (parse(text) as RuleFile).groups)
    .flatMap(({ rules }) => rules)
    .flatMap(({ alert, labels = {} }) =>
      alert === undefined
        ? []
        : [
            [alert, { alertname: alert, ...labels }] as const,
            [`${alert} ${labels['severity']}`, { alertname: alert, ...labels }] as const,
          ],
    ),
);

/** A delivered alert in an environment that only this test uses. */
function alertOf(name: string, environment: string, region = 'eu'): SentAlert {
  const labels = LABELS.get(name);
  if (labels === undefined) throw new Error(`expected an alert ${name}`);
  return { labels: { ...labels, environment, region }, annotations: { summary: environment } };
}

/** The alert that silences, then the silenced one. */
const SILENCES = [
  ['StuckCoordinator', 'HighBlockingCoordinators'],
  ['StuckCoordinator', 'HighBlockingDuration'],
  ['HeartbeatFailures', 'NoActiveCoordinators'],
  ['TimeoutEvents', 'NoActiveCoordinators'],
  ['StreamfoldTargetDown critical', 'StreamfoldTargetDown warning'],
  ['StreamfoldTargetDown critical', 'StreamfoldNotFolding'],
  ['StreamfoldTargetDown critical', 'StreamfoldLagGrowing'],
  ['StreamfoldNotFolding', 'StreamfoldLagGrowing'],
  ['StreamfoldNotFolding', 'StuckCoordinator'],
  ['StreamfoldNotFolding', 'NoActiveCoordinators'],
] as const;

/** Alerts that are both notified. */
const BESIDES = [
  ['TimeoutEvents', 'HeartbeatFailures'],
  ['StuckCoordinator', 'HighSignalLatency'],
  ['HeartbeatFailures', 'HighBlockingDuration'],
  ['StreamfoldEntriesLost', 'StreamfoldDeadLetters'],
  ['StreamfoldTargetDown critical', 'StuckCoordinator'],
  ['StreamfoldNotFolding', 'TimeoutEvents'],
] as const;

/** Whether Alertmanager silences an alert. */
async function isSilenced({ labels }: SentAlert): Promise<boolean> {
  const filters = Object.entries(labels).map(([name, value]): [string, string] => [
    'filter',
    `${name}="${value}"`,
  ]);
  const query = new URLSearchParams(filters).toString();
  const response = await fetch(`${alertmanager.url}/api/v2/alerts?${query}`);
  const alerts = (await response.json()) as { status: { inhibitedBy: string[] } }[];
  return alerts.some(({ status }) => status.inhibitedBy.length > 0);
}

/** Resolves when Alertmanager has processed all alerts sent so far: it processes them in order. */
async function waitUntilJudged(environment: string): Promise<void> {
  const witnessed = alertOf('HighBlockingDuration', `witness of ${environment}`);
  await sendAlerts(alertmanager.url, [alertOf('StuckCoordinator', `witness of ${environment}`), witnessed]);
  await waitUntil('the witness to be silenced', () => isSilenced(witnessed));
}

// One after the other: an Alertmanager answers eight requests at once, and refuses more.
for (const [source, target] of SILENCES) {
  test.serial(`${source} silences ${target}, in its own region`, async (t) => {
    const environment = `${source} silences ${target}`;
    const [here, elsewhere] = [alertOf(target, environment), alertOf(target, environment, 'us')];
    await sendAlerts(alertmanager.url, [alertOf(source, environment), here, elsewhere]);
    await waitUntil('it to be silenced', () => isSilenced(here));
    t.false(await isSilenced(elsewhere));
  });
}

for (const [source, target] of BESIDES) {
  test.serial(`${source} does not silence ${target}`, async (t) => {
    const environment = `${source} leaves ${target}`;
    await sendAlerts(alertmanager.url, [alertOf(source, environment), alertOf(target, environment)]);
    await waitUntilJudged(environment);
    t.false(await isSilenced(alertOf(target, environment)));
  });
}

test.serial('a silenced alert reaches nobody until the alert that silences it is over', async (t) => {
  const environment = 'one after the other';
  const tell = (name: string, isOver: boolean): Promise<void> =>
    sendAlerts(alertmanager.url, [{ ...alertOf(name, environment), isOver }]);
  const sentAlerts = (): string[] =>
    receiver.notifications.flatMap((notification) =>
      notification.to === 'slack' && notification.attachments[0]?.title.endsWith(environment) === true
        ? [notification.attachments[0].title.replace(/ in .*/, '')]
        : [],
    );
  await tell('StuckCoordinator', false);
  await tell('HighBlockingCoordinators', false);
  await waitUntil('the critical alert to be sent', () => sentAlerts().length === 1);
  await tell('StuckCoordinator', true);
  await waitUntil('the other alert to be sent', () => sentAlerts().length === 3);
  t.deepEqual(
    sentAlerts().toSorted(),
    ['FIRING: HighBlockingCoordinators', 'FIRING: StuckCoordinator', 'RESOLVED: StuckCoordinator'].toSorted(),
  );
  t.is(sentAlerts()[0], 'FIRING: StuckCoordinator');
});
