import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { createDashboard } from './create-dashboard.ts';
import { DASHBOARD_UIDS } from './dashboard-uids.ts';
import { labelVariable, targetVariables } from './dashboard-variables.ts';
import { consumerPanels } from './pipeline/consumer-panels.ts';
import { foldingPanels } from './pipeline/folding-panels.ts';
import { lossPanels } from './pipeline/loss-panels.ts';
import { nowPanels } from './pipeline/now-panels.ts';
import { processPanels } from './pipeline/process-panels.ts';
import { servingPanels } from './pipeline/serving-panels.ts';

/** The pipeline itself: does it keep up, does it lose anything, what does it cost? */
export function streamfoldDashboard(alertNames: readonly string[]): Dashboard {
  return createDashboard(
    {
      uid: DASHBOARD_UIDS.streamfold,
      title: 'Streamfold',
      description: 'Whether the aggregators keep up, whether they lose anything, and what they cost.',
      kind: 'pipeline',
      variables: [
        ...targetVariables('streamfold_build_info'),
        labelVariable('shard', {
          title: 'Shard',
          selector: 'streamfold_lag_entries{job=~"$job", instance=~"$instance"}',
          description: 'Shards to show, in panels that are split by shard.',
        }),
      ],
      rows: [
        { title: 'Now', panels: nowPanels() },
        { title: 'Folding', panels: foldingPanels() },
        { title: 'Losses and failures', panels: lossPanels() },
        { title: 'Serving', panels: servingPanels() },
        { title: 'Consumers and monitors', panels: consumerPanels() },
        { title: 'Process', panels: processPanels() },
      ],
    },
    alertNames,
  );
}
