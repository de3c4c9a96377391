/**
 * Gives the whole test run one Redis and ends it afterwards. It knows where a Redis may come from, not what is tested.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer, Wait } from 'testcontainers';
import type { TestProject } from 'vitest/node';
import { startRedisServer } from '../../src/dev/embedded-server.ts';
import { dockerAnswers } from './docker-answers.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A Redis without eviction, for all files of the run: each test keeps to a prefix of its own. */
    redisUrl: string;
  }
}

interface TestRedis {
  readonly url: string;
  readonly what: string;
  stop(): Promise<void>;
}

const IMAGE = 'redis:8';

/** Vitest runs what is returned after the last test. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await start();
  process.stdout.write(`Redis for the tests: ${redis.what}, ${redis.url}\n`);
  project.provide('redisUrl', redis.url);
  return async () => redis.stop();
}

async function start(): Promise<TestRedis> {
  const { REDIS_URL: url, TEST_REDIS: wish } = process.env;
  switch (wish) {
    case undefined:
    case '':
      if (url) return { url, what: 'REDIS_URL', stop: async () => undefined };
      return (await dockerAnswers()) ? containerOrServer() : server();
    case 'container':
      if (!(await dockerAnswers())) throw new Error('TEST_REDIS=container, but no Docker engine answers');
      return container();
    case 'server':
      return server();
    default:
      throw new Error(`TEST_REDIS is "${wish}": it may be "container" or "server"`);
  }
}

/** An engine may answer and still have no image: it is away from its registry, for one. */
async function containerOrServer(): Promise<TestRedis> {
  try {
    return await container();
  } catch (error) {
    process.stdout.write(`Docker gave no ${IMAGE} (${String(error)}): a redis-server takes its place\n`);
    return server();
  }
}

async function container(): Promise<TestRedis> {
  const redis = await new GenericContainer(IMAGE)
    .withCommand(['redis-server', '--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction'])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start();
  return {
    url: `redis://${redis.getHost()}:${redis.getMappedPort(6379)}`,
    what: `a container of ${IMAGE}`,
    stop: async () => {
      await redis.stop();
    },
  };
}

async function server(): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'redis-for-tests-'));
  const redis = await startRedisServer({ dir });
  return {
    url: redis.url,
    what: 'a redis-server of this machine',
    stop: async () => {
      await redis.stop();
      await rm(dir, { recursive: true });
    },
  };
}
