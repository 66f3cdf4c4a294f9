import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startPrivatePrometheus } from '@streamfold/private-servers';

const PROGRAM = fileURLToPath(new URL('../../packages/cli/bin/streamfold.js', import.meta.url));

/** Starts the demo with trouble, so that no panel is empty, and a Prometheus that scrapes it. `stop()` ends both. */
export async function startScrapedDemo() {
  const demo = spawn(process.execPath, [PROGRAM, 'demo', '--port', '0', '--scenario', 'trouble'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(demo, 'close');
  const { swarm, processes } = await readAddresses(demo);
  const prometheus = await startPrivatePrometheus(configure(swarm, processes));
  return {
    prometheusUrl: prometheus.url,
    async stop() {
      await prometheus.stop();
      demo.kill('SIGTERM');
      await ended;
    },
  };
}

/** Reads the addresses that the demo prints. The rest of its output is read too, so that the pipe does not fill up. */
async function readAddresses(demo) {
  const found = {};
  return new Promise((resolve, reject) => {
    demo.once('exit', (code) =>
      reject(new Error(`expected the demo to run; it ended with exit code ${code}`)),
    );
    createInterface({ input: demo.stdout }).on('line', (line) => {
      found.swarm ??= /metrics of the swarms +(\S+)/.exec(line)?.[1];
      found.processes ??= /each process's own +(.+)/.exec(line)?.[1].trim().split(/\s+/);
      if (found.swarm !== undefined && found.processes !== undefined) resolve(found);
    });
  });
}

/** JSON is valid YAML. */
function configure(swarm, processes) {
  return JSON.stringify({
    global: { scrape_interval: '5s', scrape_timeout: '5s' },
    scrape_configs: [
      {
        job_name: 'blocking-coordination',
        metrics_path: '/prometheus/metrics',
        params: { zero_first_seconds: ['20'] },
        static_configs: targetsAt([swarm]),
      },
      { job_name: 'streamfold', static_configs: targetsAt(processes) },
    ],
  });
}

function targetsAt(urls) {
  return [{ targets: urls.map((url) => new URL(url).host) }];
}
