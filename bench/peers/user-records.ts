/**
 * The user records of a peer's worker, in the database of its queue: written before the create and after it, the second time in one
 * transaction with the event.
 */
import type { Connection, Pool } from 'pg';
import { type Access, type SignUp, createUser } from '../damoov.ts';

export const CREATE_TABLE = `
  create table users (
    client_id text primary key,
    state text not null,
    user_id text,
    job_id text not null,
    changed_at timestamptz not null default now()
  )`;

const BEGIN_CREATE = {
  name: 'begin-create',
  text: `
    insert into users (client_id, state, job_id) values ($1, 'creating', $2)
    on conflict (client_id) do update set job_id = excluded.job_id, changed_at = now()
    returning user_id`,
};

const END_CREATE = {
  name: 'end-create',
  text: `update users set state = 'live', user_id = $2, changed_at = now() where client_id = $1`,
};

/** What the worker has to carry out a sign-up with. */
export interface Means {
  readonly pool: Pool;
  readonly access: Access;
  /** Adds the event of a user in the transaction of this connection. */
  readonly addEvent: (
    connection: Connection,
    event: { clientId: string; userId: string },
  ) => Promise<unknown>;
}

/** Carries out one job as our worker does, but for what the peers lack. */
export async function signUp({ pool, access, addEvent }: Means, jobId: string, data: SignUp): Promise<void> {
  const { clientId } = data;
  const { rows } = await pool.query({
    ...BEGIN_CREATE,
    values: [clientId, jobId],
  });
  // A job that is delivered again after its commit.
  if (typeof rows[0]?.['user_id'] === 'string') return;
  const userId = await createUser(access, data);
  const connection = await pool.connect();
  try {
    await connection.query('begin');
    await connection.query({ ...END_CREATE, values: [clientId, userId] });
    await addEvent(connection, { clientId, userId });
    await connection.query('commit');
  } catch (error) {
    await connection.query('rollback');
    throw error;
  } finally {
    connection.release();
  }
}

/** What the environment of a worker says: where it works, and with how much in flight. */
export function settingsOf(env: NodeJS.ProcessEnv) {
  return {
    connectionString: env['DATABASE_URL'] ?? '',
    concurrency: Number(env['WORKER_CONCURRENCY'] || 50),
    access: {
      baseUrl: env['DAMOOV_BASE_URL'] ?? '',
      instanceId: env['DAMOOV_INSTANCE_ID'] ?? '',
      instanceKey: env['DAMOOV_INSTANCE_KEY'] ?? '',
    },
  };
}
