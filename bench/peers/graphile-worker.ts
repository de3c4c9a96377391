/**
 * A worker with Graphile Worker, as somebody writes it who wants its throughput: jobs are fetched and completed in batches. A program
 * of its own.
 */
import { run } from 'graphile-worker';
import { type Connection, Pool } from 'pg';
import type { SignUp } from '../damoov.ts';
import { type Means, settingsOf, signUp } from './user-records.ts';

/** Its default: more of them cost Postgres more, and were no faster. */
const CONNECTIONS = 10;
const ADD_EVENT = {
  name: 'add-event',
  text: `select graphile_worker.add_job('user.created', $1::json)`,
};

const { connectionString, concurrency, access } = settingsOf(process.env);
const pool = new Pool({ connectionString, max: CONNECTIONS });
pool.on('error', () => undefined);

const means: Means = {
  pool,
  access,
  addEvent: async (connection: Connection, event) =>
    connection.query({ ...ADD_EVENT, values: [JSON.stringify(event)] }),
};

await run({
  pgPool: pool,
  concurrency,
  noHandleSignals: true,
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the least of workers does
  taskList: { 'create-user': async (payload, { job }) => signUp(means, job.id, payload as SignUp) },
  // The size that its documentation begins with.
  preset: { worker: { localQueue: { size: concurrency + 1 }, completeJobBatchDelay: 0 } },
});
