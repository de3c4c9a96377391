/**
 * A Chromium to test pages in: one that the machine has, or one that its package manager installs without a question. Knows
 * nothing of what is looked at.
 */
import { type Browser, chromium } from 'playwright-core';
import { runCommand } from '../../src/dev/run-command.ts';

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
export async function findChromium(): Promise<{ launch(): Promise<Browser> } | undefined> {
  const executablePath = (await onPath()) ?? (await installed());
  if (executablePath === undefined) {
    process.stdout.write(
      'No Chromium here: what the dashboard looks like is not tested (install chromium)\n',
    );
    return undefined;
  }
  return { launch: () => chromium.launch({ executablePath, args: ARGUMENTS }) };
}

async function onPath(): Promise<string | undefined> {
  for (const name of NAMES) {
    const { ok, output } = await runCommand('which', [name]);
    if (ok) return output.trim();
  }
  return undefined;
}

async function installed(): Promise<string | undefined> {
  if (!(await runCommand('apt-get', ['--version'])).ok) return undefined;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !(await runCommand('sudo', ['-n', 'true'])).ok) return undefined;
  process.stdout.write('installing Chromium with apt-get\n');
  for (const line of ['apt-get update', INSTALL]) {
    const [command = '', ...args] = [...(isRoot ? [] : ['sudo', '-n']), ...line.split(' ')];
    await runCommand(command, args, { deadlineMs: 5 * 60_000 });
  }
  return onPath();
}
