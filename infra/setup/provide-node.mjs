import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './cache-folder.mjs';
import { fetchPacked } from './fetch-packed.mjs';
import { findProgram } from './find-program.mjs';
import { runCommand } from './run-command.mjs';
import { SetupError } from './setup-error.mjs';
import { showStep } from './show-step.mjs';

/** The Node.js of each major version: npm packages with one program, and their SHA-512 by platform and architecture. */
const VERSIONS = {
  20: {
    version: '20.20.2',
    sha512: {
      'linux-x64':
        '3de1d033cc007661ed640d66068732819c6ce4b8945adb097b3413901774898f7cecaa46ac3d4edad544c9dbcc662b9771e45a9f1b7bae34e70c407038fba3a1',
      'linux-arm64':
        '2c25c99cd4c58b21ae601c36819488e4e04531b92300fb7cb2a0ff34aad6a04d90983812b9b4ea16783a19a349f4427c1e9c413067165a96db72ce15a3e0a71a',
    },
  },
  22: {
    version: '22.23.3',
    sha512: {
      'linux-x64':
        'a879f3e6d16c1e88ff58cfae4443558d638d8b9855be6c2b82af00e15efa2a9b95340738fa3c0af31e20c1ba1b13d06d1cd83f00a476e7cdde628acb17f73b9e',
      'linux-arm64':
        '9770c01d9adeca5a3ea7d4170edb0eae31b625726a5736179c01a621034e50d01170ca694ced9c99ec1540ffb7ead8c99d213e773a4c36d816f9cde8883bd7b4',
    },
  },
  24: {
    version: '24.21.0',
    sha512: {
      'linux-x64':
        'de750bb336795f47dc898a46d2de93add029273027f3e16520d3fa3a2317ed5f07aefa404cf37ddfa5352e545e389ae22d16b87bcc84a900580a72f23cd02ced',
      'linux-arm64':
        '1692513c4cf63afbd32df8c83a5346158f492cf30a825e66f9de2819804b836e242759a6bcdd5997f1cf2601781c3689e752127afd65d5c459fc333e91e5d6e6',
    },
  },
};

/**
 * The path of a Node.js of this major version: this one, or `node-24` on the PATH, or else the pinned one in the cache, which
 * is fetched with npm once.
 *
 * @throws {SetupError} if there is none.
 */
export async function provideNode(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const step = `providing Node ${major}`;
  const name = `node-${major}`;
  const own = await findProgram([name]);
  if (own !== undefined) return own;
  const { version, sha512 } = VERSIONS[major];
  const folder = join(CACHE, `node-${version}`);
  const program = join(folder, 'package/bin/node');
  if (existsSync(program)) return program;
  const platform = `${process.platform}-${process.arch}`;
  if (sha512[platform] === undefined)
    throw new SetupError(
      step,
      `Expected ${name} on the PATH, or one of the platforms ${Object.keys(sha512).join(', ')}; this is ${platform}. Install Node ${major}, and put its node on the PATH under the name ${name}.`,
    );
  await showStep(step, async () => {
    const packed = await fetchPacked({
      name: `node-${platform}`,
      version,
      sha512: sha512[platform],
      step,
      pinnedIn: 'infra/setup/provide-node.mjs',
    });
    const work = `${folder}.${process.pid}`;
    mkdirSync(work, { recursive: true });
    const { code, output } = await runCommand('tar', ['-xzf', packed, '-C', work, 'package/bin/node']);
    if (code === 0 && !existsSync(folder)) renameSync(work, folder);
    rmSync(work, { recursive: true, force: true });
    rmSync(packed);
    if (code !== 0) throw new SetupError(step, output.trim());
  });
  return program;
}
