/**
 * One redis-server process on loopback, with whatever settings, that can be killed and started again. It knows nothing of what
 * several of them make together, and no test framework.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedis } from '../../src/dev/find-redis.ts';
import { freePort } from '../../src/dev/free-port.ts';
import type { Certificate } from './certificate.ts';

export interface NodeSettings {
  /** Where it keeps what it has; a directory of its own is made below. */
  readonly dir: string;
  /** Lines of its configuration. */
  readonly lines?: readonly string[];
  /** `sentinel`: it watches others. */
  readonly is?: 'server' | 'sentinel';
  /** With it the port is for TLS alone. */
  readonly certificate?: Certificate | undefined;
  /** Whether clients have to show one as well. Default false. */
  readonly asksForCertificate?: boolean;
  /** How the tests speak to it. */
  readonly access?: { username?: string; password?: string };
}

export interface RedisNode {
  readonly port: number;
  readonly url: string;
  readonly isAlive: boolean;
  /** For questions of the tests; those to a node that is away wait for it. */
  readonly asked: Redis;
  /** SIGKILL; returns when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, and returns when it answers. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** A free port can be taken before it is listened on, and so can the one of the cluster's bus beside it. */
const MOST_PORTS = 10;
const LOOK_MS = 50;
export async function startRedisNode(settings: NodeSettings): Promise<RedisNode> {
  const command = findRedis();
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const node = await prepare(settings, port, command);
    try {
      await node.restart();
      return node;
    } catch (error) {
      await node.close();
      if (attempt === MOST_PORTS || !/in use|bind/i.test(String(error))) throw error;
    }
  }
}

async function prepare(settings: NodeSettings, port: number, command: string): Promise<RedisNode> {
  const { is = 'server', certificate, access = {} } = settings;
  const home = join(settings.dir, String(port));
  await mkdir(home, { recursive: true });
  const configuration = join(home, 'redis.conf');
  await writeFile(
    configuration,
    [...ownLines(settings, port, home), ...(settings.lines ?? []), ''].join('\n'),
  );
  const asked = new Redis({
    host: HOST,
    port,
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: () => LOOK_MS,
    // A Sentinel speaks no other.
    ...(is === 'sentinel' && { protocol: 2 }),
    ...(certificate && {
      tls: { ca: certificate.caText, cert: certificate.certText, key: certificate.keyText },
    }),
    ...access,
  });
  asked.on('error', () => undefined);
  let child: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();

  async function kill(): Promise<void> {
    child?.kill('SIGKILL');
    await exited;
  }

  return {
    port,
    url: `redis://${HOST}:${port}`,
    asked,
    get isAlive() {
      return child !== undefined;
    },
    kill,
    async restart() {
      const logPath = join(home, 'redis.log');
      const log = openSync(logPath, 'w');
      const started = spawn(command, [configuration, ...(is === 'sentinel' ? ['--sentinel'] : [])], {
        argv0: 'redis-server',
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      child = started;
      exited = once(started, 'exit').then(() => (child = undefined));
      const gone = exited.then(async () => {
        throw new Error(`a node does not start: ${await readFile(logPath, 'utf8')}`);
      });
      await Promise.race([asked.ping(), gone]);
      gone.catch(() => undefined); // from here on its end is the test's
    },
    async close() {
      await kill();
      asked.disconnect();
    },
  };
}

function ownLines(
  { is = 'server', certificate, asksForCertificate = false }: NodeSettings,
  port: number,
  home: string,
): string[] {
  const lines = [`bind ${HOST}`, `dir ${home}`, 'protected-mode no'];
  const line =
    certificate === undefined
      ? [`port ${port}`]
      : [
          'port 0',
          `tls-port ${port}`,
          `tls-ca-cert-file ${certificate.ca}`,
          `tls-cert-file ${certificate.cert}`,
          `tls-key-file ${certificate.key}`,
          `tls-auth-clients ${asksForCertificate ? 'yes' : 'no'}`,
          'tls-replication yes',
          ...(is === 'server' ? ['tls-cluster yes'] : []),
        ];
  const server = ['save ""', 'appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction'];
  return [...lines, ...line, ...(is === 'server' ? server : [])];
}
