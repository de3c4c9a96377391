/**
 * The little of the peers' libraries that the benchmark calls. Declared here, since they are installed only when the part runs, and
 * types and lint must not depend on that.
 */
declare module 'pg' {
  export interface Connection {
    query(
      query: string | { name: string; text: string; values?: readonly unknown[] },
      values?: readonly unknown[],
    ): Promise<{ rows: Record<string, unknown>[] }>;
  }
  export interface PooledConnection extends Connection {
    release(): void;
  }
  export class Client implements Connection {
    constructor(options: { connectionString: string });
    connect(): Promise<unknown>;
    query: Connection['query'];
    end(): Promise<void>;
    on(event: 'error', listener: (error: Error) => void): this;
  }
  export class Pool implements Connection {
    constructor(options: { connectionString: string; max: number });
    connect(): Promise<PooledConnection>;
    query: Connection['query'];
    on(event: 'error', listener: (error: Error) => void): this;
  }
}

declare module 'pg-boss' {
  export interface Job<Data> {
    id: string;
    data: Data;
  }
  export interface JobResult {
    id: string;
    status: 'completed' | 'failed';
    output?: unknown;
  }
  export interface WorkOptions {
    localConcurrency: number;
    batchSize: number;
    pollingIntervalSeconds: number;
    burstWhenBatchFull: boolean;
    perJobResults: true;
  }
  export class PgBoss {
    constructor(options: { connectionString: string; max?: number; supervise?: boolean; schedule?: boolean });
    on(event: 'error', listener: (error: Error) => void): this;
    start(): Promise<unknown>;
    stop(): Promise<void>;
    createQueue(name: string): Promise<void>;
    insert(name: string, jobs: readonly { data: object }[]): Promise<unknown>;
    send(
      name: string,
      data: object,
      options: {
        db: { executeSql(text: string, values?: readonly unknown[]): Promise<{ rows: unknown[] }> };
      },
    ): Promise<string | null>;
    work<Data>(
      name: string,
      options: WorkOptions,
      handler: (jobs: Job<Data>[]) => Promise<JobResult[]>,
    ): Promise<string>;
  }
}

declare module 'graphile-worker' {
  import type { Pool } from 'pg';

  export interface JobHelpers {
    job: { id: string };
  }
  export interface WorkerUtils {
    migrate(): Promise<void>;
    addJobs(jobs: readonly { identifier: string; payload: object }[]): Promise<unknown>;
    release(): Promise<void>;
  }
  export function makeWorkerUtils(options: { connectionString: string }): Promise<WorkerUtils>;
  export function run(options: {
    pgPool: Pool;
    concurrency: number;
    noHandleSignals: boolean;
    taskList: Record<string, (payload: unknown, helpers: JobHelpers) => Promise<void>>;
    preset: { worker: { localQueue: { size: number }; completeJobBatchDelay: number } };
  }): Promise<unknown>;
}
