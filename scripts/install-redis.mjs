/**
 * Installs a redis-server for the demo and the tests by the system's package manager, if there is none and that needs no question.
 * Has no dependency; if it cannot install one, what needs a Redis says what to do.
 */
import { spawnSync } from 'node:child_process';

/** Debian's redis-tools bring the server under another name, and start no service. */
const NAMES = ['redis-server', 'redis-check-rdb'];

const APT = 'apt-get -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends redis-tools';
const MANAGERS = [
  // The lists may be missing (a fresh container) or partly out of reach: installing is what decides.
  { name: 'apt-get', lines: ['apt-get update', `env DEBIAN_FRONTEND=noninteractive ${APT}`] },
  { name: 'dnf', lines: ['dnf install --assumeyes redis'] },
  { name: 'apk', lines: ['apk add --no-cache redis'] },
  { name: 'brew', lines: ['brew install redis'], needsNoRoot: true },
];

const answers = (command, ...args) =>
  spawnSync(command, args, { argv0: command === 'redis-check-rdb' ? 'redis-server' : command }).status === 0;

const isConfigured = process.argv.includes('--unless-configured') && process.env.REDIS_URL;
if (!isConfigured && !NAMES.some((name) => answers(name, '--version'))) install();

function install() {
  const manager = MANAGERS.find(({ name }) => answers(name, '--version'));
  if (manager === undefined) return;
  const needsSudo = !manager.needsNoRoot && process.getuid?.() !== 0;
  if (needsSudo && !answers('sudo', '-n', 'true')) return;
  console.error(`Installing Redis with ${manager.name} …`);
  for (const line of manager.lines) {
    const [command, ...args] = [...(needsSudo ? ['sudo', '-n'] : []), ...line.split(' ')];
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
    if (status !== 0) console.error(`${line}: ${stderr?.trim().split('\n').at(-1) ?? 'cannot be run'}`);
  }
}
