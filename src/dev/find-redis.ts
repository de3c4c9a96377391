/**
 * Finds a Redis server program on this machine. Starts and installs nothing.
 */
import { spawnSync } from 'node:child_process';

/** BullMQ's own recommended minimum. */
const MINIMUM = { major: 6, minor: 2 };

/**
 * Debian and Ubuntu install redis-server as a link to redis-check-rdb, which acts according to its name. The link is in a package that
 * also starts a service; this program is in redis-tools, which does not.
 */
const COMMANDS = ['redis-server', 'redis-check-rdb'];

/**
 * The command to start, with `redis-server` as its argv[0].
 * @throws Error that says what to install.
 */
export function findRedis(): string {
  const command = COMMANDS.find((name) => {
    const { stdout } = spawnSync(name, ['--version'], {
      argv0: 'redis-server',
      encoding: 'utf8',
      timeout: 2000,
    });
    return isRecentEnough(stdout ?? '');
  });
  if (command !== undefined) return command;
  throw new Error(
    `No Redis to run: install redis-server ${MINIMUM.major}.${MINIMUM.minor} or newer (Debian, Ubuntu: sudo apt-get install redis-server; ` +
      `macOS: brew install redis), or set REDIS_URL to a Redis that runs elsewhere (docker run -d -p 6379:6379 redis:8).`,
  );
}

/** Valkey, which some distributions install under Redis' name, prints the same line with its own name. */
function isRecentEnough(version: string): boolean {
  const [, major = 0, minor = 0] = (/server v=(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major > MINIMUM.major || (major === MINIMUM.major && minor >= MINIMUM.minor);
}
