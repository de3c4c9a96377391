/**
 * A Chromium to test pages in: one that the machine has, or one that its package manager installs without a question. Knows
 * nothing of what is looked at.
 */
import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

const INSTALL =
  'env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends chromium';

/** As root there is no sandbox to be had, and nothing is to be looked up outside this machine. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Undefined where there is none and none can be installed; says so. */
export function findChromium(): { launch(): Promise<Browser> } | undefined {
  const executablePath = onPath() ?? installed();
  if (executablePath === undefined) {
    process.stdout.write(
      'No Chromium here: what the dashboard looks like is not tested (install chromium)\n',
    );
    return undefined;
  }
  return { launch: () => chromium.launch({ executablePath, args: ARGUMENTS }) };
}

function onPath(): string | undefined {
  return NAMES.map((name) => run('which', name)).find((path) => path !== undefined);
}

function installed(): string | undefined {
  if (run('apt-get', '--version') === undefined) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (sudo.length > 0 && run(...sudo, 'true') === undefined) return undefined;
  process.stdout.write('installing Chromium with apt-get\n');
  for (const line of ['apt-get update', INSTALL]) run(...sudo, ...line.split(' '));
  return onPath();
}

/** What the command writes; undefined where it fails, or is not there. */
function run(...words: string[]): string | undefined {
  const [command = '', ...args] = words;
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 5 * 60_000 });
  return status === 0 ? stdout.trim() : undefined;
}
