/**
 * A peer as a side of the comparison: a Postgres of its own, the jobs in it, the process that works on them, and how fast it empties
 * its queue.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Environment } from '../environment.ts';
import { cpuOf, cpuOfFamily } from '../process-usage.ts';
import { type Drain, signUpOf } from '../subject.ts';
import { type Peer, type Producer, countOf } from './peer.ts';
import type { Postgres } from './postgres.ts';
import { CREATE_TABLE } from './user-records.ts';

/** What counting asks of Postgres is counted out, but it takes a core's time: it is done often only when the goal is near. */
const LOOK_MS = 100;
const NEAR_LOOK_MS = 10;
const PATIENCE_MS = 120_000;

/** What emptying a queue came to, on a side of any kind. */
export interface Emptied {
  readonly perSecond: number;
  /** CPU time of the worker and of the server of its queue, in microseconds a job. */
  readonly workerCpuUs: number;
  readonly serverCpuUs: number;
}

export interface PeerSide {
  empty(size: Drain): Promise<Emptied>;
  close(): Promise<void>;
}

interface Open {
  readonly peer: Peer;
  readonly postgres: Omit<Postgres, 'stop'>;
  readonly client: Client;
  readonly producer: Producer;
  readonly workerPid: number;
  /** The process of Postgres that answers the client. */
  readonly backendPid: number;
}

export async function openPeer(environment: Environment, peer: Peer, sandbox: string): Promise<PeerSide> {
  const { Client } = await import('pg');
  const postgres = await environment.startPostgres();
  const client = new Client({ connectionString: postgres.url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(CREATE_TABLE);
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const producer = await peer.open(postgres.url);
  const { pid } = environment.spawnWorker(peer.program, '', sandbox, { DATABASE_URL: postgres.url });
  const open = { peer, postgres, client, producer, workerPid: pid, backendPid: Number(rows[0]?.['pid']) };
  return {
    empty: async (size) => empty(open, size),
    async close() {
      await producer.close();
      await client.end();
    },
  };
}

/** Adds jobs to an empty database, and measures how the worker carries them out. */
async function empty(open: Open, { count, warmUp, signal }: Drain): Promise<Emptied> {
  const { peer, client, producer } = open;
  await client.query(`truncate users, ${peer.table} cascade`);
  await producer.add(Array.from({ length: count }, (_, index) => signUpOf(index)));
  // A table that was just filled has no statistics yet, as one in use does.
  await client.query(`analyze ${peer.table}`);
  const before = await reached(open, warmUp, { count, signal });
  const after = await reached(open, count, { count, signal });
  await expectAllDone(open, count);
  const done = after.completed - before.completed;
  const each = (cpuSeconds: number) => (cpuSeconds * 1e6) / done;
  return {
    perSecond: (done * 1000) / (after.at - before.at),
    workerCpuUs: each(after.workerCpu - before.workerCpu),
    serverCpuUs: each(after.serverCpu - before.serverCpu),
  };
}

/** Figures of a worker that leaves work undone would say nothing. */
async function expectAllDone({ peer, client }: Open, count: number): Promise<void> {
  const records = await countOf(
    client,
    "select count(*) from users where state = 'live' and user_id is not null",
  );
  const events = await peer.events(client);
  if (records !== count || events !== count)
    throw new Error(`${peer.name}: ${count} jobs left ${records} users and ${events} events`);
}

/** Waits until so many jobs are completed, and tells how things stand then. */
async function reached(
  { peer, client, postgres, workerPid, backendPid }: Open,
  goal: number,
  { count, signal }: Pick<Drain, 'count' | 'signal'>,
) {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    signal?.throwIfAborted();
    const completed = await peer.completed(client, count);
    // Fails where the worker has ended.
    const workerCpu = await cpuOf(workerPid);
    if (completed >= goal) {
      const at = performance.now();
      return { at, completed, workerCpu, serverCpu: await cpuOfFamily(postgres.pid, backendPid) };
    }
    if (performance.now() > deadline)
      throw new Error(`${peer.name}: ${completed} of ${count} jobs were carried out`);
    await sleep(goal - completed > count / 10 ? LOOK_MS : NEAR_LOOK_MS);
  }
}
