/**
 * The log: one line per settled job and per change of state, as JSON, or readable on a terminal. Takes ids and names only;
 * an error is told by its name and code, because what libraries attach to errors may be a whole job.
 */
import { pino, type Logger, type DestinationStream } from 'pino';
import type { GateChange } from '../redis/gates/gates.ts';
import type { RunReport } from '../worker/delivery.ts';

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
  return (report) => {
    const { verdict, ...run } = report;
    if (verdict.next === 'parked') return log.debug({ ...run, next: verdict.next }, 'job waits for its user');
    if (verdict.next === 'held') {
      const { next, gate, outcome } = verdict;
      return log.debug({ ...run, next, gate, reason: outcome?.reason }, 'job waits before a gate');
    }
    if (verdict.next === 'lost') return log.warn({ ...run, next: verdict.next }, 'job lost to another run');
    const { outcome } = verdict;
    if (verdict.next === 'complete') {
      log.info({ ...run, outcome: verdict.event.type, userId: verdict.event.data.userId }, 'job done');
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
  };
}

/** Writes when a gate is shut and when it opens again: one line in the whole fleet for each. */
export function createGateLog(log: Log, hasAdmin: boolean): (change: GateChange) => void {
  return (change) => {
    if (change.is === 'open') {
      const { gate, shutForMs } = change;
      return log.info(
        { gate, shutForMs },
        gate === 'damoov' ? 'Damoov is back' : 'credential accepted again',
      );
    }
    const { gate, reason } = change;
    if (gate === 'brake') log.error({ gate, reason }, 'the brake holds deletions: release or refuse them');
    else if (gate === 'damoov') log.error({ gate, reason }, 'Damoov is away: all jobs wait');
    else if (gate === 'admin' && !hasAdmin)
      log.error({ gate }, 'no admin account: the jobs that need it wait');
    else log.error({ gate, reason }, 'credential refused: the jobs that need it wait');
  };
}
