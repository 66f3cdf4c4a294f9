// `npm run test:busy`: runs all tests beside four busy loops per core. What passes here does not depend on a free machine.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

const LOOPS_PER_CORE = 4;

const loops = Array.from({ length: LOOPS_PER_CORE * availableParallelism() }, () =>
  // Ends with this process: its standard input closes then, which the loop sees between two rounds.
  spawn(
    process.execPath,
    [
      '-e',
      'process.stdin.on("close", () => process.exit()).resume(); const spin = () => { for (let i = 0; i < 1e8; i++); setImmediate(spin); }; spin();',
    ],
    {
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  ),
);
const tests = spawn('ava', ['--config', 'suites.config.js', ...process.argv.slice(2)], { stdio: 'inherit' });
tests.on('error', (error) => {
  console.error(`npm run test:busy: cannot start ava: ${error.message}`);
  end(1);
});
tests.on('close', (code) => end(code ?? 1));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => tests.kill(signal));

function end(code) {
  for (const loop of loops) loop.kill('SIGKILL');
  process.exitCode = code;
}
