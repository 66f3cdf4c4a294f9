import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPrivateAlertmanager, type PrivateHttpServer } from '@streamfold/private-servers';
import type { NotificationReceiver } from './start-notification-receiver.ts';

const FOLDER = join(fileURLToPath(import.meta.resolve('../../../')), 'infra/alertmanager');

/** The delivered configuration of Alertmanager. */
export const ALERTMANAGER_CONFIG = join(FOLDER, 'alertmanager.yml');
const TEMPLATES = join(FOLDER, 'templates/streamfold.tmpl');

/** Where the delivered configuration expects the secrets. */
const SECRETS = '/etc/alertmanager/secrets';

/**
 * Starts an Alertmanager with the delivered configuration and templates. Only the place of the secrets, the address of
 * PagerDuty and the timers differ: `receiver` is notified of everything, and soon.
 */
export async function startDeliveredAlertmanager(receiver: NotificationReceiver): Promise<PrivateHttpServer> {
  const secrets = await mkdtemp(join(tmpdir(), 'streamfold-secrets-'));
  await writeFile(join(secrets, 'slack_api_url'), `${receiver.slackUrl}\n`);
  await writeFile(join(secrets, 'pagerduty_routing_key'), 'the-routing-key\n');
  const delivered = await readFile(ALERTMANAGER_CONFIG, 'utf8');
  const config = delivered
    .replaceAll(`${SECRETS}/`, `${secrets}/`)
    .replace(/^global:$/m, `$&\n  pagerduty_url: ${receiver.pagerDutyUrl}`)
    .replaceAll(/\bgroup_wait: \w+/g, 'group_wait: 200ms')
    .replaceAll(/\bgroup_interval: \w+/g, 'group_interval: 400ms');
  const templates = new Map([['templates/streamfold.tmpl', await readFile(TEMPLATES, 'utf8')]]);
  const alertmanager = await startPrivateAlertmanager(config, { files: templates });
  return {
    ...alertmanager,
    async stop() {
      await alertmanager.stop();
      await rm(secrets, { recursive: true, force: true });
    },
  };
}
