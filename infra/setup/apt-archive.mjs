import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';

/** The keys that Debian signs its suites with, as its packages install them. */
const KEYRINGS = ['debian-archive-keyring.pgp', 'debian-archive-keyring.gpg'].map(
  (name) => `/usr/share/keyrings/${name}`,
);

/** An error of apt-get; the text is its output. */
export class AptError extends Error {}

/**
 * Package lists and downloads of our own in the folder `work`: those of the system are not touched, and its locks are not
 * needed. The lists are those of the system's release, or, if `suite` is given, of this suite of Debian, from the mirror
 * that this machine uses; then no package counts as installed, so that even the C library is named as a dependency.
 *
 * @throws {AptError} if the lists cannot be had.
 */
export async function openAptArchive(work, suite) {
  for (const folder of ['lists/partial', 'archives/partial', 'debs'])
    mkdirSync(join(work, folder), { recursive: true });
  const options = aptOptions(work, suite === undefined ? {} : await suiteSettings(work, suite));
  const run = async (command, args, folder) => {
    const { code, output } = await runCommand(command, [...options, ...args], { cwd: folder });
    if (code !== 0) throw new AptError(output);
    return output;
  };
  await run('apt-get', ['-qq', 'update']);
  return {
    /** The packages that would be installed with these, with versions if they have one: `name` or `name=version`. */
    async listInstalled(packages) {
      const output = await run('apt-get', ['-s', 'install', '--no-install-recommends', ...packages]);
      return [...output.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name);
    },
    /** The newest version first. */
    async listVersions(name) {
      const output = await run('apt-cache', ['madison', name]);
      return [...output.matchAll(/^ *\S+ \| *(\S+) \|/gm)].map(([, version]) => version);
    },
    /** Downloads packages, whose signatures apt checks, into a folder. Returns the folder. */
    async download(packages) {
      await run('apt-get', ['-qq', 'download', ...packages], join(work, 'debs'));
      return join(work, 'debs');
    },
  };
}

function aptOptions(work, more) {
  const settings = {
    'Dir::State': work,
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': work,
    'Dir::Cache::archives': join(work, 'archives'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    ...more,
  };
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

/** Another suite of the Debian archive that this machine is set up for. */
async function suiteSettings(work, suite) {
  const format = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'];
  const { output } = await runCommand('apt-get', format);
  const mirror = output.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  const keyring = KEYRINGS.find(existsSync);
  if (mirror === undefined || keyring === undefined)
    throw new AptError('Expected apt sources with a mirror of Debian, and its keys; there are none.');
  const [sources, status] = [join(work, 'sources.list'), join(work, 'status')];
  writeFileSync(sources, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  writeFileSync(status, '');
  return {
    'Dir::State::status': status,
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': join(work, 'no-more-sources'),
    'Dir::Etc::preferences': join(work, 'no-preferences'),
    'Dir::Etc::preferencesparts': join(work, 'no-preferences.d'),
    'APT::Default-Release': '',
  };
}
