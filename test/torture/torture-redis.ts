/**
 * The Redis of a torture run, single or one of several servers that stand in for each other, and what can be done to it. Knows no
 * job.
 */
import type { Redis } from 'ioredis';
import { type RedisTarget, connectRedis } from '../../src/redis/connection.ts';
import { startRedisNode } from '../support/redis-node.ts';
import { type RedisTopology, startCluster, startSentinelSet } from '../support/redis-topology.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

export const REDIS_KINDS = ['single', 'cluster', 'sentinel'] as const;
export type RedisKind = (typeof REDIS_KINDS)[number];

export interface TortureRedis {
  /** For questions, and for those who only watch. */
  readonly target: RedisTarget;
  /** For those who are to suffer. */
  readonly exposed: RedisTarget;
  /** What points a worker at it. */
  readonly env: Record<string, string>;
  /** SIGKILL, to the one that takes the writes; returns once there is one again. */
  kill(): Promise<void>;
  /** Has an answer get lost; returns once that has happened, which may be never. */
  loseReply(to: string): Promise<void>;
  /** Lends the server that holds everything. */
  withMaster<T>(work: (master: Redis) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function startTortureRedis(kind: RedisKind, dir: string, prefix: string): Promise<TortureRedis> {
  switch (kind) {
    case 'single':
      return single(dir);
    case 'cluster':
      return several(await startCluster({ dir }, { masters: 3, haveReplicas: true }), prefix);
    case 'sentinel':
      return several(await startSentinelSet({ dir }, { replicas: 2 }), prefix);
  }
}

async function single(dir: string): Promise<TortureRedis> {
  const server = await startRedisNode({ dir });
  const proxy = await startTcpProxy(server.url);
  const target = { kind: 'url', url: server.url } as const;
  return {
    target,
    exposed: { kind: 'url', url: proxy.url },
    env: { REDIS_URL: proxy.url },
    async kill() {
      await server.kill();
      await server.restart();
    },
    loseReply: (to) => proxy.dropReplies(1, to),
    async withMaster(work) {
      const master = connectRedis(target) as Redis;
      try {
        return await work(master);
      } finally {
        master.disconnect();
      }
    },
    async close() {
      await proxy.close();
      await server.close();
    },
  };
}

function several(topology: RedisTopology, prefix: string): TortureRedis {
  const { target, env } = topology;
  return {
    target,
    exposed: target,
    env,
    async kill() {
      await topology.heal();
      await topology.killMaster(prefix);
    },
    // A proxy would be needed before every server: here all clients of the master lose their next replies.
    async loseReply() {
      const { asked } = await topology.masterOf(prefix);
      await asked.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    withMaster: async (work) => work((await topology.masterOf(prefix)).asked),
    close: () => topology.close(),
  };
}
