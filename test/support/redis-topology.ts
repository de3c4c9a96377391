/**
 * Several redis-servers on loopback that make a cluster or stand behind Sentinels, and lose a master on demand. It waits for what
 * they say of themselves, never for a time to pass, and knows no test framework.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisTarget } from '../../src/redis/connection.ts';
import type { Certificate } from './certificate.ts';
import { type RedisNode, startRedisNode } from './redis-node.ts';

export interface RedisTopology {
  readonly target: RedisTarget;
  /** What points a worker at it. */
  readonly env: Record<string, string>;
  /** Those that hold data. */
  readonly nodes: readonly RedisNode[];
  /** Who takes the writes for this key. */
  masterOf(key: string): Promise<RedisNode>;
  /** Kills the master that holds this key, and returns once everybody names another one. */
  killMaster(key: string): Promise<void>;
  /** Starts those again that were killed, and returns once they follow their masters. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisCluster extends RedisTopology {
  slotOf(key: string): Promise<number>;
}

export interface TopologyOptions {
  readonly dir: string;
  /** With it everything is encrypted. */
  readonly certificate?: Certificate;
  /** With it everybody has to give it, under the name `default`; the servers among themselves too. */
  readonly password?: string;
}

/** Long enough for a process that gets no processor for a while, short enough for a test. In milliseconds. */
const SILENT_MS = 3000;
const LOOK_MS = 100;
const MASTER_NAME = 'jobs';
const SLOTS = 16_384;

/** A cluster of so many masters, each with a replica where wanted. */
export async function startCluster(
  options: TopologyOptions,
  { masters: count, haveReplicas }: { masters: number; haveReplicas: boolean },
): Promise<RedisCluster> {
  const lines = [
    'cluster-enabled yes',
    `cluster-node-timeout ${SILENT_MS}`,
    'cluster-replica-validity-factor 0',
  ];
  const size = haveReplicas ? 2 * count : count;
  const nodes = await startAll(size, options, lines);
  const close = () => closeAll(nodes);
  const living = () => nodes.filter(({ isAlive }) => isAlive);
  const areWhole = () =>
    every(living(), async (node) => /cluster_state:ok/.test(await node.asked.cluster('INFO')));
  try {
    await foundCluster(nodes, count);
    await until(areWhole);
    await until(() => every(nodes.slice(count), isFollowing));
  } catch (error) {
    await close();
    throw error;
  }

  const slotIn = ({ asked }: RedisNode, key: string) => asked.cluster('KEYSLOT', key);
  const portOf = async (key: string, from: RedisNode) => {
    const slot = await slotIn(from, key);
    const ranges = await from.asked.cluster('SLOTS');
    return ranges.find(([first, last]) => first <= slot && slot <= last)?.[2]?.[1];
  };
  const addresses = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  return {
    target: { kind: 'cluster', nodes: addresses, ...accessOf(options) },
    env: { REDIS_CLUSTER_NODES: namesOf(addresses), ...envOf(options) },
    nodes,
    ...failingOver(nodes, {
      failureDetectors: living,
      portOf,
      isServing: areWhole,
    }),
    async slotOf(key) {
      const [node] = living();
      if (node === undefined) throw new Error('the cluster is gone');
      return slotIn(node, key);
    },
    close,
  };
}

/** A master, its replicas, and three Sentinels that watch them. */
export async function startSentinelSet(
  options: TopologyOptions,
  { replicas, sentinels: count = 3 }: { replicas: number; sentinels?: number },
): Promise<RedisTopology> {
  const nodes = await startAll(replicas + 1, options, []);
  const sentinels: RedisNode[] = [];
  const close = async () => {
    await closeAll(sentinels);
    await closeAll(nodes);
  };
  const [master, ...others] = nodes;
  if (master === undefined) throw new Error('a set has a master');
  try {
    await Promise.all(others.map(({ asked }) => asked.replicaof('127.0.0.1', master.port)));
    await until(() => every(others, isFollowing));
    const watch = [
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} ${Math.ceil((count + 1) / 2)}`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${SILENT_MS}`,
      // A second fail-over is tried no sooner than after twice this.
      `sentinel failover-timeout ${MASTER_NAME} ${SILENT_MS}`,
      ...(options.password === undefined ? [] : [`sentinel auth-pass ${MASTER_NAME} ${options.password}`]),
    ];
    sentinels.push(...(await startAll(count, options, watch, 'sentinel')));
    await until(() =>
      every(sentinels, async ({ asked }) => {
        const said = pairsOf((await asked.call('SENTINEL', 'MASTER', MASTER_NAME)) as string[]);
        return said['num-other-sentinels'] === String(count - 1) && said['num-slaves'] === String(replicas);
      }),
    );
  } catch (error) {
    await close();
    throw error;
  }
  const addresses = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  const { password } = options;
  return {
    target: {
      kind: 'sentinel',
      sentinels: addresses,
      master: MASTER_NAME,
      ...accessOf(options),
      ...(password !== undefined && { sentinelPassword: password }),
    },
    env: {
      REDIS_SENTINELS: namesOf(addresses),
      REDIS_SENTINEL_MASTER: MASTER_NAME,
      ...envOf(options),
      ...(password !== undefined && { REDIS_SENTINEL_PASSWORD: password }),
    },
    nodes,
    ...failingOver(nodes, {
      failureDetectors: () => sentinels,
      portOf: async (_key, { asked }) =>
        Number(((await asked.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME)) as string[])[1]),
      isServing: () =>
        every(nodes, async (node) => !node.isAlive || (await isMaster(node)) || isFollowing(node)),
    }),
    close,
  };
}

interface Electorate {
  /** The servers that know the master. */
  failureDetectors: () => readonly RedisNode[];
  portOf: (key: string, from: RedisNode) => Promise<number | undefined>;
  isServing: () => Promise<boolean>;
}

function failingOver(nodes: readonly RedisNode[], { failureDetectors, portOf, isServing }: Electorate) {
  async function masterOf(key: string): Promise<RedisNode> {
    const [failureDetector] = failureDetectors();
    const port = failureDetector && (await portOf(key, failureDetector));
    const master = nodes.find((node) => node.port === port);
    if (master === undefined) throw new Error('nobody is master');
    return master;
  }
  return {
    masterOf,
    async killMaster(key: string): Promise<void> {
      const master = await masterOf(key);
      await master.kill();
      await until(() =>
        every(
          failureDetectors(),
          async (failureDetector) => (await portOf(key, failureDetector)) !== master.port,
        ),
      );
      await until(isServing);
    },
    async heal(): Promise<void> {
      const dead = nodes.filter(({ isAlive }) => !isAlive);
      await Promise.all(dead.map((node) => node.restart()));
      await until(() => every(dead, isFollowing));
      await until(isServing);
    },
  };
}

async function startAll(
  count: number,
  options: TopologyOptions,
  lines: readonly string[],
  is: 'server' | 'sentinel' = 'server',
): Promise<RedisNode[]> {
  const { dir, certificate, password } = options;
  const secret =
    password === undefined
      ? []
      : [`requirepass ${password}`, ...(is === 'server' ? [`masterauth ${password}`] : [])];
  const started = await Promise.allSettled(
    Array.from({ length: count }, () =>
      startRedisNode({
        dir,
        is,
        certificate,
        lines: [...secret, ...lines],
        ...(password !== undefined && { access: { password } }),
      }),
    ),
  );
  const nodes = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failed = started.find((start) => start.status === 'rejected');
  if (failed === undefined) return nodes;
  await closeAll(nodes);
  throw failed.reason;
}

async function closeAll(nodes: readonly RedisNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.close()));
}

async function foundCluster(nodes: readonly RedisNode[], masters: number): Promise<void> {
  const ids = await Promise.all(nodes.map(({ asked }) => asked.cluster('MYID')));
  const [first] = nodes;
  for (const [at, { asked }] of nodes.slice(0, masters).entries()) {
    const from = Math.ceil((at * SLOTS) / masters);
    const to = Math.ceil(((at + 1) * SLOTS) / masters);
    await asked.cluster('ADDSLOTS', ...Array.from({ length: to - from }, (_, n) => from + n));
    await asked.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
  }
  for (const { port } of nodes.slice(1)) await first?.asked.call('CLUSTER', 'MEET', '127.0.0.1', port);
  await until(() =>
    every(nodes, async ({ asked }) => {
      const known = String(await asked.cluster('NODES'));
      return ids.every((id) => known.includes(`${id} `)) && !known.includes('handshake');
    }),
  );
  for (const [at, { asked }] of nodes.slice(masters).entries())
    await asked.cluster('REPLICATE', ids[at] ?? '');
}

async function isFollowing({ asked }: RedisNode): Promise<boolean> {
  return /role:slave[^]*master_link_status:up/.test(await asked.info('replication'));
}

async function isMaster({ asked }: RedisNode): Promise<boolean> {
  return (await asked.info('replication')).includes('role:master');
}

async function every<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(items.map(test))).every(Boolean);
}

/** Servers do not report an agreement: they are polled until they agree. The test limits the wait. */
async function until(test: () => Promise<boolean>): Promise<void> {
  while (!(await test())) await sleep(LOOK_MS);
}

function accessOf({ certificate, password }: TopologyOptions) {
  return {
    ...(password !== undefined && { password }),
    ...(certificate !== undefined && { tls: { ca: certificate.caText } }),
  };
}

function envOf({ certificate, password }: TopologyOptions): Record<string, string> {
  return {
    ...(password !== undefined && { REDIS_PASSWORD: password }),
    ...(certificate !== undefined && { REDIS_TLS: 'true', REDIS_TLS_CA_FILE: certificate.ca }),
  };
}

function namesOf(addresses: readonly { host: string; port: number }[]): string {
  return addresses.map(({ host, port }) => `${host}:${port}`).join(',');
}

function pairsOf(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ''] as const] : [])),
  );
}
