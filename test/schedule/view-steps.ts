import { createShardView, type Generation, type ShardView } from '@streamfold/aggregator';
import {
  describeOwnRecord,
  type CommitOutcome,
  type ReadCommitOutcome,
} from '@streamfold/aggregator/round-trips';
import { describeState } from '@streamfold/core';
import { VIEWS, type View } from './folding-steps.ts';
import { attempt, foldModel, modelOf, placeOf, type Hand, type ShardRun } from './shard-run.ts';
import { expectSame, expectSameItems } from './subject.ts';

const SNAPSHOT_RECORDS = 3;

/** The view of an aggregator, which keeps it for its whole life. */
function viewOf(run: ShardRun, generation: Generation, view: View): ShardView {
  const place = placeOf(generation, view);
  const present = run.views.get(place);
  if (present !== undefined) return present;
  const created = createShardView({
    redis: run.laboratory.product,
    generation,
    listener: { changed: () => undefined, replaced: () => undefined },
    observe: () => undefined,
    createId: () => `snapshot-${++run.snapshots}`,
    snapshotRecords: SNAPSHOT_RECORDS,
  });
  run.views.set(place, created);
  return created;
}

/** An aggregator merges what it has committed itself, if it has a view: `c0` belongs to the one with view 0, `c1` to that with view 1. */
export function mergeOwnRecord(
  run: ShardRun,
  { generation, name, batch }: Hand,
  committed: CommitOutcome | ReadCommitOutcome,
): void {
  const view = VIEWS.find((each) => name.startsWith(`c${each}`));
  if (view === undefined || committed.outcome !== 'committed' || committed.appended === undefined) return;
  run.views.get(placeOf(generation, view))?.mergeOwn(describeOwnRecord(batch, committed.appended, 'live'));
}

/** The aggregator is replaced by another one. */
export function forgetView(run: ShardRun, generation: Generation, view: View): void {
  run.views.delete(placeOf(generation, view));
}

/** Writes a snapshot if one is due; the aggregator dies after this number of commands. */
export async function writeSnapshot(
  run: ShardRun,
  generation: Generation,
  { view, cut }: { readonly view: View; readonly cut: number },
): Promise<void> {
  await attempt(() =>
    run.laboratory.cutAfter(cut, () => viewOf(run, generation, view).writeSnapshotWhenDue()),
  );
}

/** A view shows each folded entry once, and the counted losses. */
export async function checkView(run: ShardRun, generation: Generation, view: View): Promise<void> {
  const shown = viewOf(run, generation, view);
  const refreshed = await attempt(async () => {
    await shown.refresh();
    return true;
  });
  if (refreshed === undefined) return;
  const { entries, lostEntries } = shown.state.totals;
  const { folded, counted } = modelOf(run, generation);
  expectSame('counts of a view', { entries, lostEntries }, { entries: folded.size, lostEntries: counted });
  expectSameItems(
    'series of a view',
    shown.state.series.get('signals_sent_total') ?? [],
    foldModel(run, generation).series.get('signals_sent_total') ?? [],
  );
}

/** A view equals the fold of the folded entries, one after the other. */
export async function checkWholeView(run: ShardRun, generation: Generation, view: View): Promise<void> {
  await checkView(run, generation, view);
  const { state } = viewOf(run, generation, view);
  const { catalogue } = generation;
  const expected = describeState(foldModel(run, generation), catalogue);
  expectSameItems('all that a view says', describeState(state, catalogue), expected);
}
