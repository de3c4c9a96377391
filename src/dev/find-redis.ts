/**
 * Knows where a machine may have a Redis to run: a program on PATH, a Docker engine, the system's package manager.
 * It starts no server and keeps no data.
 */
import { runCommand } from './run-command.ts';
import type { CommandResult, RunCommand } from './run-command.ts';

/** A Redis that can be started here. */
export type RedisSource =
  | { readonly how: 'redis-server'; readonly command: string }
  | { readonly how: 'docker'; readonly image: string; readonly user: string };

export interface FindOptions {
  readonly log: (line: string) => void;
  /** Whether a container may stand in for a redis-server of the system. Default true. */
  readonly docker?: boolean;
  /** How the machine's commands are run. */
  readonly run?: RunCommand;
  /** The user to whom the data shall belong. Default: whoever runs this process. */
  readonly user?: User;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

type Machine = Required<FindOptions>;

/** BullMQ's own recommended minimum. */
const MINIMUM = { major: 6, minor: 2 };

const IMAGE = 'redis:8';

const MINUTE_MS = 60_000;

/**
 * Debian and Ubuntu give redis-server as a link to this program, which acts on the name it is called by. The link
 * comes in a package that also starts a service at once and at every boot; this program comes in one that does not.
 */
const DEBIANS_OTHER_NAME = 'redis-check-rdb';

const PACKAGE_MANAGERS = [
  {
    name: 'apt-get',
    needsRoot: true,
    // The lists may be missing (a fresh container) or partly out of reach: installing is what decides.
    prepare: 'apt-get update',
    install:
      'env DEBIAN_FRONTEND=noninteractive ' +
      'apt-get -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends redis-tools',
  },
  { name: 'dnf', needsRoot: true, install: 'dnf install --assumeyes redis' },
  { name: 'apk', needsRoot: true, install: 'apk add --no-cache redis' },
  { name: 'brew', needsRoot: false, install: 'brew install redis' },
] satisfies readonly { name: string; needsRoot: boolean; prepare?: string; install: string }[];

/**
 * The first Redis this machine offers: a redis-server on PATH, a Docker engine, or a redis-server that its package
 * manager installs without a question.
 * @throws an error that says what to install, where there is none.
 */
export async function findRedis(options: FindOptions): Promise<RedisSource> {
  const machine: Machine = { docker: true, run: runCommand, user: ourselves(), ...options };
  const redis = (await onPath(machine)) ?? (await inDocker(machine)) ?? (await fromPackageManager(machine));
  if (redis !== undefined) return redis;
  throw new Error(
    `No Redis to run: install redis-server ${MINIMUM.major}.${MINIMUM.minor} or newer ` +
      `(Debian, Ubuntu: sudo apt-get install redis-server; macOS: brew install redis) or start Docker, ` +
      `or set REDIS_URL to a Redis that runs elsewhere.`,
  );
}

/** Windows has no user ids, and no redis-server either: there a container is root's. */
function ourselves(): User {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

async function onPath({ run }: Machine): Promise<RedisSource | undefined> {
  for (const command of ['redis-server', DEBIANS_OTHER_NAME]) {
    const { ok, output } = await run(command, ['--version'], { argv0: 'redis-server' });
    if (ok && isRecentEnough(output)) return { how: 'redis-server', command };
  }
  return undefined;
}

/** Valkey, which some distributions install under Redis' name, prints the same line with its own name. */
function isRecentEnough(version: string): boolean {
  const [, major, minor] = /server v=(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return false;
  return Number(major) > MINIMUM.major || (Number(major) === MINIMUM.major && Number(minor) >= MINIMUM.minor);
}

async function inDocker({ run, user, docker, log }: Machine): Promise<RedisSource | undefined> {
  if (!docker) return undefined;
  const question = ['info', '--format', '{{.ServerVersion}} {{.SecurityOptions}}'];
  const engine = await run('docker', question, { deadlineMs: 5_000 }); // it asks all its plugins, too
  if (!engine.ok) return undefined;
  if (!(await run('docker', ['image', 'inspect', IMAGE])).ok) {
    log(`pulling the image ${IMAGE}`);
    const pull = await run('docker', ['pull', '--quiet', IMAGE], { deadlineMs: 5 * MINUTE_MS });
    if (!pull.ok) return undefined;
  }
  // The data shall belong to whoever starts us, who is root inside the containers of a rootless engine.
  const isRootless = engine.output.includes('rootless');
  return { how: 'docker', image: IMAGE, user: isRootless ? '0:0' : `${user.uid}:${user.gid}` };
}

async function fromPackageManager(machine: Machine): Promise<RedisSource | undefined> {
  const { run, user, log } = machine;
  for (const { name, needsRoot, prepare, install } of PACKAGE_MANAGERS) {
    if (!(await run(name, ['--version'])).ok) continue;
    const isAllowed = !needsRoot || user.uid === 0 || (await run('sudo', ['-n', 'true'])).ok;
    if (!isAllowed) return undefined;
    const runLine = async (line: string): Promise<CommandResult> => {
      const words = [...(needsRoot && user.uid !== 0 ? ['sudo', '-n'] : []), ...line.split(' ')];
      return run(words[0] ?? '', words.slice(1), { deadlineMs: 5 * MINUTE_MS });
    };
    log(`installing Redis with ${name}`);
    if (prepare !== undefined) await runLine(prepare);
    const { ok, output } = await runLine(install);
    if (!ok) log(`${name} could not install Redis: ${output.trim().split('\n').at(-1) ?? ''}`);
    return onPath(machine);
  }
  return undefined;
}
