/**
 * The environment of the torture: a Redis of its own that can be killed, and a sandbox process. It
 * knows how they start and end, not what befalls them.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SANDBOX_CREDENTIALS, type SandboxModes } from '../../src/sandbox/server.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { OTHER } from '../support/instances.ts';
import { type RedisKind, type TortureRedis, startTortureRedis } from './torture-redis.ts';

export interface Environment {
  readonly redis: TortureRedis;
  readonly sandboxUrl: string;
  /** Where the workers' logs go. */
  readonly logDir: string;
  /** What points a worker at all this. */
  readonly workerEnv: Record<string, string>;
  setModes(modes: Partial<SandboxModes>): Promise<void>;
  /** Ends all of it. */
  close(keepsLogs: boolean): Promise<void>;
}

export const PREFIX = '{torture}';
export const EVENTS_QUEUES = ['user-events', 'audit'];

export async function prepareEnvironment(kind: RedisKind): Promise<Environment> {
  const dir = await mkdtemp(join(tmpdir(), 'torture-'));
  const logDir = join(dir, 'logs');
  await mkdir(logDir);
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (keepsLogs: boolean) => {
    for (const step of closing.splice(0).toReversed()) await step();
    await rm(keepsLogs ? join(dir, 'redis') : dir, { recursive: true, force: true });
  };
  try {
    const instancesFile = join(dir, 'instances.json');
    await writeFile(instancesFile, JSON.stringify({ other: OTHER }));
    const redis = await startTortureRedis(kind, join(dir, 'redis'), PREFIX);
    closing.push(() => redis.close());
    const sandbox = await startSandboxProcess();
    closing.push(sandbox.close);
    return {
      redis,
      sandboxUrl: sandbox.url,
      logDir,
      workerEnv: { ...workerEnv(redis.env, sandbox.url), DAMOOV_INSTANCES_FILE: instancesFile },
      async setModes(modes) {
        const body = JSON.stringify(modes);
        const answer = await fetch(`${sandbox.url}/_sandbox/modes`, { method: 'PATCH', body });
        if (!answer.ok) throw new Error(`the sandbox refuses the modes: ${await answer.text()}`);
      },
      close,
    };
  } catch (error) {
    await close(false);
    throw error;
  }
}

/** In a process of its own: a busy neighbour must not make it look as if requests overlapped. */
async function startSandboxProcess() {
  const child = fork(join(import.meta.dirname, 'sandbox-main.ts'), {
    env: { ...process.env, ...COMPILE_CACHE },
    execArgv: [],
  });
  const exited = once(child, 'exit');
  const gone = exited.then(() => {
    throw new Error('the sandbox does not start');
  });
  const [url] = (await Promise.race([once(child, 'message'), gone])) as [string];
  gone.catch(() => undefined); // from here on its end is ours
  return {
    url,
    close: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function workerEnv(redis: Record<string, string>, sandboxUrl: string): Record<string, string> {
  return {
    ...redis,
    QUEUE_PREFIX: PREFIX,
    EVENTS_QUEUES: EVENTS_QUEUES.join(','),
    DAMOOV_BASE_URL: sandboxUrl,
    DAMOOV_INSTANCE_ID: SANDBOX_CREDENTIALS.instanceId,
    DAMOOV_INSTANCE_KEY: SANDBOX_CREDENTIALS.instanceKey,
    DAMOOV_ADMIN_EMAIL: SANDBOX_CREDENTIALS.adminEmail,
    DAMOOV_ADMIN_PASSWORD: SANDBOX_CREDENTIALS.adminPassword,
    // Well inside the lock of the torture's workers.
    DAMOOV_TIMEOUT_MS: '400',
    // The faults strike logins as well.
    DAMOOV_LOGINS_PER_HOUR: '1000',
    DELETIONS_PER_HOUR: '1000000',
    WORKER_CONCURRENCY: '10',
    // The faults are many and none lasts: no job is to fail for want of attempts.
    JOB_ATTEMPTS: '1000',
    BACKOFF_BASE_MS: '20',
    BACKOFF_MAX_MS: '500',
    HTTP_PORT: '0',
    LOG_LEVEL: 'debug',
  };
}
