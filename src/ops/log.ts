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
  return build({ destination: 2, sync: true, translateTime: 'HH:MM:ss', ignore: 'pid,hostname' });
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
  const refused = new Map<string, Credential>();
  return (report) => {
    const { verdict, ...run } = report;
    if (verdict.next === 'parked') return log.debug({ ...run, next: verdict.next }, 'job waits for its user');
    if (verdict.next === 'lost') return log.warn({ ...run, next: verdict.next }, 'job lost to another run');
    const { outcome } = verdict;
    const line = { ...run, next: verdict.next, outcome: outcome.status };
    if (verdict.next === 'complete') {
      log.info({ ...line, outcome: verdict.event.type, userId: verdict.event.data.userId }, 'job done');
      const credential = credentialOf(report);
      if (refused.delete(credential)) log.info({ credential }, 'credential accepted again');
    } else if (verdict.next === 'fail') {
      const code = outcome.status === 'failed' ? outcome.code : undefined;
      log.warn({ ...line, code, userId: verdict.event.data.userId, reason: verdict.reason }, 'job failed');
    } else {
      log.debug({ ...line, delayMs: verdict.delayMs, reason: verdict.reason }, 'job goes on later');
    }
    if (outcome.status === 'quarantine') {
      const credential = credentialOf(report);
      if (refused.has(credential)) return;
      refused.set(credential, outcome.credential);
      log.error({ credential, reason: outcome.reason }, 'credential refused: the jobs that need it wait');
    }
  };
}

/** A create needs its instance's key, everything else the admin. */
function credentialOf({ operation, instance }: RunReport): string {
  return operation === 'create-user' ? `instance-key of ${instance}` : 'admin';
}
