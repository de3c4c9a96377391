/**
 * Makes node_modules fit package-lock.json before another script of this repository runs. It knows what npm left
 * behind and nothing of the product; it has no dependency and runs on the host's own Node, or nothing could run it.
 * `node scripts/setup.mjs bench` does so for a package of its own in that folder.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(new URL('..', import.meta.url)), process.argv[2] ?? '');
const lockPath = join(root, '.data', 'setup.lock');

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(
    `Node ${process.versions.node} is too old: install Node 22.22 or newer, then run this again.`,
  );
  process.exit(1);
}
if (!isInstalled()) process.exit(oneAtATime(() => (isInstalled() ? 0 : install())));

/**
 * Whether node_modules holds what package-lock.json names. npm writes down what it installed, last of all: comparing the
 * two says it exactly, where file times tell nothing after a `git clone` or a copy. An optional package may be absent,
 * since it can be meant for another platform.
 */
function isInstalled() {
  const wanted = packagesIn('package-lock.json');
  const present = packagesIn(join('node_modules', '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  const paths = new Set([...Object.keys(wanted), ...Object.keys(present)].filter((path) => path !== ''));
  return [...paths].every((path) => {
    const [want, have] = [wanted[path], present[path]];
    if (have === undefined) return want.optional === true || want.devOptional === true;
    return want?.version === have.version && want?.integrity === have.integrity;
  });
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Runs `npm ci` and returns its exit status. */
function install() {
  console.error('Installing the dependencies (npm ci) …');
  // The Node in node_modules/.bin is about to be deleted by the very npm that would run on it.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => !entry.endsWith(`node_modules${sep}.bin`));
  const npm = spawnSync('npm', ['ci', '--include=dev'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path.join(delimiter) },
    shell: process.platform === 'win32', // npm is a .cmd file there
  });
  if (npm.error) console.error(`npm ci could not be run: ${npm.error.message}`);
  return npm.status ?? 1;
}

/** Holds a lock file while the work runs; one whose owner is dead is taken over. */
function oneAtATime(work) {
  mkdirSync(join(root, '.data'), { recursive: true });
  for (let told = false; !locks(); told = true) {
    const owner = readOwner();
    if (owner !== undefined && !isAlive(owner)) rmSync(lockPath, { force: true });
    else if (!told) console.error(`Waiting for the process that installs the dependencies (${lockPath}) …`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    return work();
  } finally {
    rmSync(lockPath, { force: true });
  }
}

/** Whether this process has made the lock file. */
function locks() {
  try {
    writeFileSync(lockPath, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** Undefined if there is no lock file, or its owner is about to write its id. */
function readOwner() {
  try {
    return Number(readFileSync(lockPath, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}
