/**
 * Checks whether a Redis can hold the queues: its version, eviction, persistence and clock. Asks every master of a cluster; writes only
 * one key of its own, which it removes at once.
 */
import { Cluster, type Redis } from 'ioredis';
import type { RedisConnection } from '../../redis/connection.ts';
import { refusalToWrite } from '../../redis/refusal.ts';
import { durationText } from '../../contract/duration.ts';
import { type Finding, finding } from './finding.ts';

/** BullMQ's minimum. */
const OLDEST = [6, 2] as const;
/** How far clocks may differ, in milliseconds: the order of jobs and their due times use the clocks of producers and workers. */
const SKEW_MS = { noticed: 1000, tolerable: 60_000 } as const;

/**
 * @param prefix of the queues: the test write uses it.
 * @param now this machine's clock, in epoch milliseconds.
 */
export async function checkRedis(
  connection: RedisConnection,
  prefix: string,
  now: () => number,
): Promise<Finding[]> {
  const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
  const states = await Promise.all(nodes.map(askState));
  const findings = states.map(({ info, save }) => findingsIn(info, save));
  const clocks = await Promise.all(nodes.map((node) => clock(node, now)));
  const refused = await tryWrite(connection, prefix);
  const [first = []] = findings;
  const [roles, ...others] = first.map((_, at) => worst(findings.flatMap((ofNode) => ofNode[at] ?? [])));
  return [worst([refused, roles].filter((finding) => finding !== undefined)), ...others, worst(clocks)];
}

/** Undefined if Redis accepts a write. */
async function tryWrite(connection: RedisConnection, prefix: string): Promise<Finding | undefined> {
  const refusal = await refusalToWrite(connection, prefix);
  if (refusal === undefined) return undefined;
  // A user with minimal rights may lack this one without harm to the queues.
  return refusal.code === 'NOPERM'
    ? finding('redis', 'warn', 'answers; its user may not make the test write', refusal.message)
    : finding('redis', 'fail', 'answers, and refuses to write', refusal.message);
}

/**
 * The findings about one server: always the same checks in the same order.
 * @param text the answer to INFO.
 * @param save the setting of that name; undefined if this Redis hides its settings.
 */
export function findingsIn(text: string, save: string | undefined): Finding[] {
  const info = new Map(
    [...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  return [role(info), version(info), memoryPolicy(info), persistence(info, save), memory(info)];
}

type Info = ReadonlyMap<string, string>;

async function askState(node: Redis): Promise<{ info: string; save: string | undefined }> {
  const [info, setting] = await Promise.all([node.info(), node.config('GET', 'save').catch(() => undefined)]);
  // RESP2 answers a list of names and values, RESP3 a map.
  const save = Array.isArray(setting) ? setting[1] : isObject(setting) ? setting['save'] : undefined;
  return { info, save: typeof save === 'string' ? save : undefined };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function worst(findings: readonly Finding[]): Finding {
  const [first = finding('redis', 'fail', 'the cluster names no master')] = findings;
  return findings.find(({ is }) => is === 'fail') ?? findings.find(({ is }) => is === 'warn') ?? first;
}

function role(info: Info): Finding {
  if (info.get('role') !== 'slave') return finding('redis', 'ok', 'answers, and takes writes');
  return finding('redis', 'fail', 'answers, but is a replica', 'point the configuration at the master');
}

function version(info: Info): Finding {
  const seen = info.get('redis_version') ?? 'unknown';
  const [major = 0, minor = 0] = seen.split('.').map(Number);
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  const todo = `use Redis ${OLDEST.join('.')} or newer`;
  return isOld || Number.isNaN(major)
    ? finding('redis version', 'fail', seen, todo)
    : finding('redis version', 'ok', seen);
}

function memoryPolicy(info: Info): Finding {
  const check = 'redis maxmemory-policy';
  const seen = info.get('maxmemory_policy') ?? 'unknown';
  if (seen === 'noeviction') return finding(check, 'ok', seen);
  const todo = 'set maxmemory-policy noeviction: another one throws jobs away when memory is short';
  return finding(check, seen === 'unknown' ? 'warn' : 'fail', seen, todo);
}

function persistence(info: Info, save: string | undefined): Finding {
  const check = 'redis persistence';
  const snapshotFailed = info.get('rdb_last_bgsave_status') === 'err';
  if (info.get('aof_enabled') === '1') {
    if (info.get('aof_last_write_status') !== 'ok') {
      return finding(check, 'fail', 'the append-only file cannot be written', 'check the disk of Redis');
    }
    if (!snapshotFailed) return finding(check, 'ok', 'append-only file');
    const todo = 'check the disk and the memory of the machine of Redis';
    return finding(check, 'warn', 'append-only file; the last snapshot failed', todo);
  }
  const todo = 'set appendonly yes';
  if (snapshotFailed) {
    return finding(check, 'fail', 'the last snapshot failed, and there is no append-only file', todo);
  }
  if (save === '') return finding(check, 'fail', 'none: a restart loses every job', todo);
  const seen =
    save === undefined
      ? 'no append-only file; Redis does not show whether it makes snapshots'
      : 'snapshots only: a crash loses what came after the last one';
  return finding(check, 'warn', seen, todo);
}

/** The used share of memory that needs attention. */
const FULL = 0.9;

function memory(info: Info): Finding {
  const check = 'redis memory';
  const [used, most] = [Number(info.get('used_memory')), Number(info.get('maxmemory'))];
  if (Number.isNaN(used) || Number.isNaN(most)) return finding(check, 'warn', 'unknown');
  const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  if (most === 0) return finding(check, 'ok', `${mb(used)}, no maxmemory`);
  const seen = `${mb(used)} of ${mb(most)}`;
  if (used < FULL * most) return finding(check, 'ok', seen);
  const todo = 'raise maxmemory: a full Redis refuses every new job';
  return finding(check, used < most ? 'warn' : 'fail', seen, todo);
}

async function clock(node: Redis, now: () => number): Promise<Finding> {
  const check = 'clock against redis';
  const calledAt = now();
  const [seconds, micros] = await node.time();
  const answeredAt = now();
  const aheadMs = Number(seconds) * 1000 + Number(micros) / 1000 - (calledAt + answeredAt) / 2;
  // Redis may have read it at any moment between request and answer.
  const skewMs = Math.max(0, Math.abs(aheadMs) - (answeredAt - calledAt) / 2);
  if (skewMs < SKEW_MS.noticed) return finding(check, 'ok', 'less than a second apart');
  const seen = `Redis is ${durationText(skewMs)} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
  const todo = 'synchronise the clocks (NTP): newest wins by the clocks of the producers';
  return finding(check, skewMs < SKEW_MS.tolerable ? 'warn' : 'fail', seen, todo);
}
