/**
 * The peers: how each is prepared, filled and looked at, by its own API where it has one, and what it lacks as the benchmark uses it.
 */
import type { Client } from 'pg';
import type { SignUp } from '../damoov.ts';
import { GRAPHILE_WORKER, PG_BOSS } from '../environment.ts';

export interface Peer {
  /** In the names of figures. */
  readonly key: string;
  readonly name: string;
  /** Its folder in bench/node_modules. */
  readonly library: string;
  readonly program: readonly string[];
  /** Which of our guarantees the benchmark's worker does not give, in one line. */
  readonly lacks: string;
  /** Makes its tables, and opens a producer. */
  open(connectionString: string): Promise<Producer>;
  /** The table that its jobs lie in. */
  readonly table: string;
  /** How many events there are, all of them jobs for a subscriber. */
  events(client: Client): Promise<number>;
  /** How many of so many jobs are completed. */
  completed(client: Client, added: number): Promise<number>;
}

export interface Producer {
  /** Adds all of them in one transaction. */
  add(signUps: readonly SignUp[]): Promise<unknown>;
  close(): Promise<void>;
}

const LACKED_BY_BOTH =
  "order of a user's jobs, newest wins; a look-up before a create is sent again; refusal of a late run's write; " +
  'a check of the job; a rate that all workers share after a 429';

const pgBoss: Peer = {
  key: 'PgBoss',
  name: 'pg-boss',
  library: 'pg-boss',
  program: PG_BOSS,
  lacks:
    `${LACKED_BY_BOTH}; a pause while Damoov is out: a job fails after three tries in a row; ` +
    'removal of the profile from a completed job: it stays for 7 days. Jobs of a dead worker wait 15 minutes',
  async open(connectionString) {
    const { PgBoss } = await import('pg-boss');
    const boss = new PgBoss({ connectionString, max: 2, supervise: false, schedule: false });
    boss.on('error', () => undefined);
    await boss.start();
    for (const queue of ['user-jobs', 'user-events']) await boss.createQueue(queue);
    return {
      add: async (signUps) =>
        boss.insert(
          'user-jobs',
          signUps.map((data) => ({ data })),
        ),
      close: async () => boss.stop(),
    };
  },
  table: 'pgboss.job',
  completed: async (client) =>
    countOf(client, "select count(*) from pgboss.job where name = 'user-jobs' and state = 'completed'"),
  events: async (client) => countOf(client, "select count(*) from pgboss.job where name = 'user-events'"),
};

const graphileWorker: Peer = {
  key: 'Graphile',
  name: 'Graphile Worker',
  library: 'graphile-worker',
  program: GRAPHILE_WORKER,
  lacks:
    `${LACKED_BY_BOTH}; a pause while Damoov is out: each try counts, with a growing delay. ` +
    'Jobs of a dead worker, those it only fetched included, wait 4 hours',
  async open(connectionString) {
    const { makeWorkerUtils } = await import('graphile-worker');
    const utils = await makeWorkerUtils({ connectionString });
    await utils.migrate();
    return {
      add: async (signUps) =>
        utils.addJobs(signUps.map((payload) => ({ identifier: 'create-user', payload }))),
      close: async () => utils.release(),
    };
  },
  table: 'graphile_worker._private_jobs',
  // A job that is completed is deleted.
  completed: async (client, added) => added - (await jobsOf(client, 'create-user')),
  events: async (client) => jobsOf(client, 'user.created'),
};

export const PEERS = [pgBoss, graphileWorker];

async function jobsOf(client: Client, task: 'create-user' | 'user.created'): Promise<number> {
  return countOf(
    client,
    `select count(*) from graphile_worker._private_jobs as jobs
      join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
      where tasks.identifier = '${task}'`,
  );
}

export async function countOf(client: Client, query: string): Promise<number> {
  const { rows } = await client.query(query);
  return Number(rows[0]?.['count']);
}
