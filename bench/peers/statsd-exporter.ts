import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '@streamfold/private-servers';
import { superviseContender } from '../contender/contender-process.ts';
import { generateEvent, type Workload } from '../workload/generate-workload.ts';
import { peerPath } from './launch-peer.ts';

export interface StatsdResult {
  /** Observations: events that say nothing of a counter or histogram are not sent. */
  readonly perSecond: number;
  readonly cpuMicros: number;
}

/** Between two looks at its metrics. Each look costs it some milliseconds, too. */
const POLL_MS = 200;
const READY_DEADLINE_MS = 30_000;

/** The same histograms as the contenders have. A timer is given in ms, and shown in seconds. */
const MAPPING = `
defaults:
  observer_type: histogram
mappings:
  - match: signal_delivery_latency_seconds
    name: signal_delivery_latency_seconds
    histogram_options: {buckets: [.01, .05, .1, .5, 1, 2, 5, 10]}
  - match: blocking_duration_seconds
    name: blocking_duration_seconds
    histogram_options: {buckets: [1, 5, 10, 30, 60, 120, 300, 600, 1800]}
`;

/** Sends the observations of a workload to statsd_exporter over a local TCP connection, and waits until all are counted. */
export async function measureStatsdExporter(workload: Workload): Promise<StatsdResult> {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-statsd-'));
  const mapping = join(directory, 'mapping.yml');
  await writeFile(mapping, MAPPING);
  const [port, webPort] = [await findFreePort(), await findFreePort()];
  const child = spawn(
    peerPath('statsd_exporter'),
    [
      `--statsd.mapping-config=${mapping}`,
      `--statsd.listen-tcp=127.0.0.1:${port}`,
      '--statsd.listen-udp=',
      `--web.listen-address=127.0.0.1:${webPort}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exporter = superviseContender(child, () => undefined);
  const metrics = `http://127.0.0.1:${webPort}/metrics`;
  try {
    await waitForAnswer(metrics);
    const lines = writeLines(workload);
    const payload = Buffer.from(lines.join(''));
    const cpuBeforeMs = exporter.readCpuMs();
    const startedMs = performance.now();
    const socket = connect(port, '127.0.0.1');
    socket.end(payload);
    await once(socket, 'close');
    while ((await readCount(metrics)) < lines.length) await sleep(POLL_MS);
    const elapsedMs = performance.now() - startedMs;
    const cpuMs = exporter.readCpuMs() - cpuBeforeMs;
    return {
      perSecond: (lines.length * 1_000) / elapsedMs,
      cpuMicros: (cpuMs * 1_000) / lines.length,
    };
  } finally {
    await exporter.kill();
    await rm(directory, { recursive: true, force: true });
  }
}

async function waitForAnswer(url: string): Promise<void> {
  const deadlineMs = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    try {
      await fetch(url);
      return;
    } catch (cause) {
      if (performance.now() > deadlineMs) throw new Error(`peers: expected ${url} to answer`, { cause });
      await sleep(POLL_MS);
    }
  }
}

/** Observations counted so far: counters and timers, by the exporter's own metric. */
async function readCount(url: string): Promise<number> {
  const text = await (await fetch(url)).text();
  let count = 0;
  for (const [, value] of text.matchAll(
    /^statsd_exporter_events_total\{type="(?:counter|observer)"\} (\S+)$/gm,
  ))
    count += Number(value);
  return count;
}

function writeLines(workload: Workload): string[] {
  const lines: string[] = [];
  for (let index = 0; index < workload.events; index++) {
    const line = writeLine(generateEvent(index, workload));
    if (line !== undefined) lines.push(line);
  }
  return lines;
}

function writeLine(event: Readonly<Record<string, string>>): string | undefined {
  const tags = (...names: readonly string[]): string =>
    names.map((name) => `${name}:${event[name] ?? ''}`).join(',');
  const { type } = event;
  if (type === 'signal.acked')
    return `signal_delivery_latency_seconds:${event['latency_ms']}|ms|#${tags('sender_id', 'receiver_id', 'signal_type')}\n`;
  if (type === 'signal.sent') return `signals_sent_total:1|c|#${tags('swarm_id', 'signal_type')}\n`;
  if (type === 'wait.finished')
    return `blocking_duration_seconds:${event['duration_ms']}|ms|#${tags('swarm_id', 'coordinator_id', 'status')}\n`;
  if (type === 'timeout') return `timeout_events_total:1|c|#${tags('coordinator_id', 'timeout_type')}\n`;
  return undefined;
}
