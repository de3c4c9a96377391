/**
 * The log: one line per settled job and per change of state, as JSON, or readable on a terminal. It takes only ids and names; of an error
 * it writes the name and code, because libraries may attach a whole job.
 */
import { pino, type Logger, type DestinationStream } from 'pino';
import { MANY_REVOKED } from '../damoov/login-budget.ts';
import type { CircuitChange } from '../store/circuits/circuits.ts';
import { refusalIn } from '../redis/connection.ts';
import { IS_BASE_URL_RIGHT, describeUnexpected } from '../lifecycle/classify.ts';
import type { RunReport } from '../lifecycle/delivery.ts';
import { createFaultLog } from './fault-log.ts';
import type { Notification } from './notifications.ts';
import { redacted } from './redacted.ts';

export type Log = Logger;

/**
 * Opens the log on stderr: stdout is for results. Fields with the name of a secret or of personal data are blanked, at any depth.
 * @param destination instead of stderr.
 */
export async function createLog(
  level: string,
  isTerminal: boolean = process.stderr.isTTY,
  destination: DestinationStream = pino.destination({ dest: 2, sync: true }),
): Promise<Log> {
  return pino(
    { level, base: null, formatters: { log: redacted } },
    isTerminal ? await prettyStream(destination) : destination,
  );
}

async function prettyStream(destination: DestinationStream): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({ translateTime: 'HH:MM:ss', singleLine: true, colorize: true });
  return { write: (line) => destination.write(pretty(line)) };
}

/** The loggable part of an error of a library: its text may quote data. */
export function describeError(error: Error & { code?: unknown }): { error: string; reason?: string } {
  // A fault of the language or a parser quotes data: "Unexpected token 'A', "Ada …" is not valid JSON".
  if (!SAFE_NAMES.has(error.name)) return { error: describeUnexpected(error) };
  const name = typeof error.code === 'string' ? `${error.name} ${error.code}` : error.name;
  // Redis begins with its error code ("OOM command not allowed …"); the rest may quote a command.
  if (error.name === 'ReplyError') return { error: name, reason: error.message.split(' ', 1)[0] ?? '' };
  // The text after a colon is that of another error.
  return { error: name, reason: error.message.split(': ', 1)[0] ?? '' };
}

const SAFE_NAMES = new Set(['Error', 'ReplyError']);

/**
 * Writes a line for each settled job and each change of state; a job that runs again later is logged at debug level.
 * @param hasAdmin whether an admin account is configured.
 */
export function createLogWriter(
  log: Log,
  { hasAdmin }: { hasAdmin: boolean },
): (notification: Notification) => void {
  const logFault = createFaultLog<ReturnType<typeof describeError>>((fault, leftOut) =>
    log.error({ ...fault, ...(leftOut > 0 && { leftOut }) }, 'the queue reports a fault'),
  );
  return (notification) => {
    switch (notification.is) {
      case 'started': {
        const { is: _is, ...where } = notification;
        return log.info(where, 'worker started');
      }
      case 'run-ended':
        return writeRun(log, notification.run);
      case 'request-ended': {
        const { operation, status, kind, durationMs } = notification.request;
        return log.trace({ operation, status, kind, durationMs: Math.round(durationMs) }, 'request ended');
      }
      case 'circuit-changed':
        return writeCircuit(log, hasAdmin, notification.change);
      case 'session-revoked':
        return writeRevoked(log, notification.withinHour);
      case 'rate-lowered': {
        const { ratePerS, pausedForMs } = notification;
        return log.warn({ ratePerS, pausedForMs }, 'Damoov answers 429: the fleet sends more slowly');
      }
      case 'redis-ready':
        return log.info({ place: notification.place }, 'connected to Redis');
      case 'redis-lost': {
        const { reason, place } = notification;
        const refusal = refusalIn(reason);
        return log.error(
          { place, reason },
          refusal === undefined
            ? 'Redis is away: the worker waits for it'
            : `Redis refuses ${refusal.what}: the worker waits${refusal.todo}`,
        );
      }
      case 'traces-ready':
        return log.info('the receiver accepts traces again');
      case 'traces-lost':
        return log.warn({ reason: notification.reason }, 'the receiver refuses traces: they are dropped');
      case 'alert-unsent':
        return log.warn({ reason: notification.reason }, 'the webhook took no alert: it is sent again');
      case 'queue-faulty':
        return logFault(describeError(notification.error));
      case 'http-faulty':
        return log.error(describeError(notification.error), 'a request to this worker failed');
      case 'stopped-uncleanly':
        return log.warn(describeError(notification.error), 'a part did not stop cleanly');
    }
  };
}

function writeRun(log: Log, { decision, sinceDueMs: _sinceDueMs, ...run }: RunReport): void {
  switch (decision.next) {
    case 'blocked':
      return log.debug({ ...run, next: decision.next }, 'job waits for its user');
    case 'held': {
      const { next, circuit, outcome } = decision;
      return log.debug(
        { ...run, next, circuit, reason: outcome?.reason },
        'job is held: its circuit breaker is open',
      );
    }
    case 'abandoned':
      return log.warn({ ...run, next: decision.next }, 'job abandoned to another run');
    case 'complete': {
      const { outcome, event, fault } = decision;
      const code = outcome.status === 'superseded' ? outcome.by : undefined;
      const level = fault === undefined ? 'info' : 'error';
      return log[level]({ ...run, outcome: event.type, code, userId: event.data.userId, fault }, 'job done');
    }
    case 'fail': {
      const { outcome, event, reason } = decision;
      const code = outcome.status === 'failed' ? outcome.code : undefined;
      return log.warn({ ...run, outcome: event.type, code, userId: event.data.userId, reason }, 'job failed');
    }
    case 'retry':
    case 'wait':
    case 'deferred': {
      const { delayMs, reason, outcome } = decision;
      const level = 'isFault' in decision ? 'error' : 'debug';
      return log[level]({ ...run, outcome: outcome.status, delayMs, reason }, 'job runs again later');
    }
  }
}

/** One line per revoked session; a warning once there are many. */
function writeRevoked(log: Log, withinHour: number): void {
  if (withinHour === MANY_REVOKED) {
    log.warn(
      { withinHour },
      'others log in with the admin account: each login ends the session of the other, and costs one of the hour. ' +
        'Give the worker an admin account of its own',
    );
  } else log.info({ withinHour }, 'the session of the admin ended early: it is renewed');
}

/** One line per fleet when a circuit opens, and one when it closes. */
function writeCircuit(log: Log, hasAdmin: boolean, change: CircuitChange): void {
  if (change.is === 'closed') {
    const { circuit, openForMs } = change;
    return log.info(
      { circuit, openForMs },
      circuit === 'damoov' ? 'Damoov is back' : 'credential accepted again',
    );
  }
  const { circuit, reason } = change;
  if (circuit === 'deletion-limit')
    log.error({ circuit, reason }, 'the deletion limit holds deletions: release or refuse them');
  else if (circuit === 'damoov' && reason.endsWith(IS_BASE_URL_RIGHT))
    log.error({ circuit, reason }, 'no Damoov answers at DAMOOV_BASE_URL: all jobs wait');
  else if (circuit === 'damoov') log.error({ circuit, reason }, 'Damoov is away: all jobs wait');
  else if (circuit === 'admin' && !hasAdmin)
    log.error({ circuit }, 'no admin account: the jobs that need it wait');
  else log.error({ circuit, reason }, 'credential refused: the jobs that need it wait');
}
