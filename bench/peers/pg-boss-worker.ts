/**
 * A worker with pg-boss, as somebody writes it who wants its throughput: batches, fetched without a pause while they are full, with a
 * result for each job. A program of its own.
 */
import { type Connection, Pool } from 'pg';
import { type Job, type JobResult, PgBoss } from 'pg-boss';
import type { SignUp } from '../damoov.ts';
import { type Means, settingsOf, signUp } from './user-records.ts';

/** A batch waits for its last job, so a larger one is slower where Damoov is; a smaller one fetches more often. */
const BATCH = 10;
/** Beside the ten of pg-boss: more of them cost Postgres more, and were no faster. */
const RECORD_CONNECTIONS = 10;

const { connectionString, concurrency, access } = settingsOf(process.env);
const boss = new PgBoss({ connectionString });
const pool = new Pool({ connectionString, max: RECORD_CONNECTIONS });
boss.on('error', () => undefined);
pool.on('error', () => undefined);

const means: Means = {
  pool,
  access,
  addEvent: async (connection, event) => boss.send('user-events', event, { db: inTransactionOf(connection) }),
};

await boss.start();
await boss.work<SignUp>(
  'user-jobs',
  {
    batchSize: BATCH,
    localConcurrency: Math.ceil(concurrency / BATCH),
    burstWhenBatchFull: true,
    // The shortest that pg-boss allows.
    pollingIntervalSeconds: 0.5,
    perJobResults: true,
  },
  async (jobs) => Promise.all(jobs.map(resultOf)),
);

async function resultOf({ id, data }: Job<SignUp>): Promise<JobResult> {
  try {
    await signUp(means, id, data);
    return { id, status: 'completed' };
  } catch (error) {
    return { id, status: 'failed', output: { message: String(error) } };
  }
}

function inTransactionOf(connection: Connection) {
  return {
    executeSql: async (text: string, values?: readonly unknown[]) => connection.query(text, values),
  };
}
