/**
 * The log: one line per settled job and per change of state, as JSON, or readable on a terminal. Takes ids and names only;
 * an error is told by its name and code, because what libraries attach to errors may be a whole job.
 */
import { pino, type Logger, type DestinationStream } from 'pino';
import type { Credential } from '../contract/outcome.ts';
import type { RunReport } from '../worker/pipeline.ts';

export type Log = Logger;

/** Opens the log on stderr: stdout is for results. */
export async function createLog(level: string, isTerminal: boolean = process.stderr.isTTY): Promise<Log> {
  return pino(
    { level, base: null },
    isTerminal ? await prettyStream() : pino.destination({ dest: 2, sync: true }),
  );
}

async function prettyStream(): Promise<DestinationStream> {
  const { build } = await import('pino-pretty');
  return build({ destination: 2, sync: true, translateTime: 'HH:MM:ss', singleLine: true });
}

/** What may be told of an error that is not ours. */
export function describeError(error: Error & { code?: unknown }): { error: string; reason?: string } {
  const name = typeof error.code === 'string' ? `${error.name} ${error.code}` : error.name;
  // Redis puts its own code in front ("OOM command not allowed …"); what follows may quote a command.
  if (error.name === 'ReplyError') return { error: name, reason: error.message.split(' ', 1)[0] ?? '' };
  return { error: name, reason: error.message };
}

/** Writes what runs of jobs have to tell. */
export function createRunLog(log: Log): (report: RunReport) => void {
  const refused = new Set<string>();
  return (report) => {
    const { verdict, ...run } = report;
    if (verdict.next === 'parked') return log.debug({ ...run, next: verdict.next }, 'job waits for its user');
    if (verdict.next === 'lost') return log.warn({ ...run, next: verdict.next }, 'job lost to another run');
    const { outcome } = verdict;
    if (verdict.next === 'complete') {
      log.info({ ...run, outcome: verdict.event.type, userId: verdict.event.data.userId }, 'job done');
      const credential = nameOf(run.operation === 'create-user' ? 'instance-key' : 'admin', report);
      if (refused.delete(credential)) log.info({ credential }, 'credential accepted again');
    } else if (verdict.next === 'fail') {
      const code = outcome.status === 'failed' ? outcome.code : undefined;
      log.warn(
        { ...run, outcome: 'user.failed', code, userId: verdict.event.data.userId, reason: verdict.reason },
        'job failed',
      );
    } else {
      const { delayMs, reason } = verdict;
      const level = verdict.next === 'wait' && verdict.isFault ? 'error' : 'debug';
      log[level]({ ...run, outcome: outcome.status, delayMs, reason }, 'job goes on later');
    }
    if (outcome.status === 'quarantine') {
      const credential = nameOf(outcome.credential, report);
      if (refused.has(credential)) return;
      refused.add(credential);
      log.error({ credential, reason: outcome.reason }, 'credential refused: the jobs that need it wait');
    }
  };
}

/** Each instance has a key of its own; the admin is one for all. */
function nameOf(credential: Credential, { instance }: RunReport): string {
  return credential === 'admin' ? 'admin' : `instance-key of ${instance}`;
}
