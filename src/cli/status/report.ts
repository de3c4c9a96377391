/**
 * Formats the output of `damoov-users status`, as text and as JSON; times in ISO 8601. Names only queues, circuits and numbers.
 */
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { durationText, instantText, spanInWords } from '../../contract/duration.ts';
import { MANY_REVOKED } from '../../damoov/login-budget.ts';
import type { FleetStatus } from '../../ops/fleet-status.ts';
import { counted, jsonLine, numberText } from '../terminal/text.ts';

export function statusJson({
  redisRefuses,
  circuits,
  deletions,
  jobs,
  ...status
}: FleetStatus & { prefix: string }): string {
  const { held = 0, openSince } = circuits.find(({ circuit }) => circuit === 'deletion-limit') ?? {};
  const { count: pending, nextDueAt } = deletions;
  const { oldestSince } = jobs;
  return jsonLine({
    ...status,
    redis: redisRefuses,
    jobs: {
      ...jobs,
      ...(oldestSince !== undefined && { oldestWaitingMs: Math.max(0, status.at - oldestSince) }),
    },
    circuits: circuits
      .filter(({ circuit }) => circuit !== 'deletion-limit')
      .map((circuit) => ({ ...circuit, isOpen: circuit.openSince !== undefined })),
    deletionLimit: { held, openSince },
    deletions: { pending, nextDueAt },
  });
}

type Row = [name: string, ...lines: string[]];

/** Lines for people: on a terminal, whatever needs attention is coloured. */
export function statusText(
  status: FleetStatus,
  { isSandbox, stream, title }: { isSandbox: boolean; stream: Writable; title?: string | undefined },
): string {
  const { redisRefuses, jobs, events } = status;
  const paint = painter(stream);
  const rows: Row[] = [
    ...(title === undefined ? [] : [['prefix', title] satisfies Row]),
    ...(redisRefuses === undefined ? [] : [['redis', paint.warn(redisRefuses)] satisfies Row]),
    [jobs.queue, jobsText(status, paint)],
    ...(events.length === 0 ? [['events', 'none are published (EVENTS_QUEUES=none)'] satisfies Row] : []),
    ...events.map((queue): Row => [queue.queue, eventsText(queue, paint)]),
    ['last hour', ...lastHourLines(status, paint)],
    [
      'circuits',
      ...(isSandbox ? ['unknown: the embedded sandbox belongs to its worker'] : circuitLines(status, paint)),
    ],
    ['deletion limit', deletionLimitText(status, paint)],
    ['logins', loginsText(status, isSandbox, paint)],
    ['rate', rateText(status, paint)],
    ['deletions', deletionsText(status)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows
    .flatMap(([name, ...lines]) =>
      lines.map((line, index) => `${paint.dim((index === 0 ? name : '').padEnd(width))}${line}`),
    )
    .join('\n');
}

function jobsText({ jobs, at }: FleetStatus, { warn }: Painter): string {
  const { waiting, active, delayed, failed, completed, oldestSince } = jobs;
  const age = oldestSince === undefined ? '' : ` (the oldest for ${durationText(at - oldestSince)})`;
  return [
    ...(jobs.isPaused ? [warn('paused')] : []),
    `${numberText(waiting)} waiting${age}`,
    `${numberText(active)} active`,
    `${numberText(delayed)} delayed`,
    failed > 0 ? warn(`${numberText(failed)} failed`) : '0 failed',
    `${numberText(completed)} completed`,
  ].join(' · ');
}

function eventsText(
  { waiting, failed, isPaused, isRead }: FleetStatus['events'][number],
  { warn }: Painter,
): string {
  const text = `${isPaused ? `${warn('paused')} · ` : ''}${numberText(waiting)} waiting${failed > 0 ? ` · ${counted(failed, 'dead letter')}` : ''}`;
  if (isRead !== false) return text;
  // An empty queue needs no reader yet.
  return waiting === 0 ? `${text} · no worker reads it` : warn(`${text} · no worker reads it: they pile up`);
}

/** A line for each operation, with the reasons of jobs that were not done. */
function lastHourLines({ lastHour }: FleetStatus, { warn }: Painter): string[] {
  const operations = [...new Set(lastHour.map(({ operation }) => operation))].sort();
  if (operations.length === 0) return ['no job ended'];
  return operations.map((operation) => {
    const ends = lastHour.filter((count) => count.operation === operation);
    const of = (outcome: string) => {
      const counts = ends.filter((count) => count.outcome === outcome);
      const codes = counts.flatMap(({ code, jobs }) =>
        code === undefined ? [] : [`${code} ${numberText(jobs)}`],
      );
      const sum = counts.reduce((jobs, count) => jobs + count.jobs, 0);
      return {
        sum,
        text: `${numberText(sum)} ${outcome}${codes.length > 0 ? ` (${codes.join(', ')})` : ''}`,
      };
    };
    const [done, superseded, failed] = [of('done'), of('superseded'), of('failed')];
    return [
      `${operation.padEnd('create-user'.length)}  ${done.text}`,
      ...(superseded.sum > 0 ? [superseded.text] : []),
      ...(failed.sum > 0 ? [warn(failed.text)] : []),
    ].join(' · ');
  });
}

function circuitLines({ circuits, at }: FleetStatus, { alarm }: Painter): string[] {
  const noted = circuits.filter(
    ({ circuit, openSince, held }) => circuit !== 'deletion-limit' && (openSince !== undefined || held > 0),
  );
  if (noted.length === 0) return ['all closed'];
  return noted.map(({ circuit, openSince, reason, probeAt = at, held }) => {
    const waiting = counted(held, 'waits', 'wait');
    if (openSince === undefined) return `${circuit} closed · ${waiting}`;
    const probe = probeAt <= at ? 'a probe is due' : `next probe in ${durationText(probeAt - at)}`;
    return alarm(`${circuit} open for ${durationText(at - openSince)}: ${reason} · ${probe} · ${waiting}`);
  });
}

function deletionLimitText({ circuits, at }: FleetStatus, { alarm }: Painter): string {
  const { held = 0, openSince } = circuits.find(({ circuit }) => circuit === 'deletion-limit') ?? {};
  if (held === 0) return 'holds no deletion';
  const age = openSince === undefined ? '' : ` for ${durationText(at - openSince)}`;
  return alarm(`holds ${counted(held, 'deletion')}${age}: \`deletions release\` or \`refuse\` decides`);
}

function loginsText({ logins, at }: FleetStatus, isSandbox: boolean, { warn, alarm }: Painter): string {
  if (logins === undefined) {
    return isSandbox
      ? 'not rationed with the embedded sandbox'
      : 'no admin is configured: updates and deletions wait';
  }
  const { left, barredUntil, revoked = 0 } = logins;
  const others = revoked < MANY_REVOKED ? '' : ` · others ended ${numberText(revoked)} sessions`;
  const text = `${numberText(left)} left within the hour${others}`;
  if (barredUntil !== undefined && barredUntil > at) {
    return alarm(`${text} · no login is allowed for ${durationText(barredUntil - at)}`);
  }
  return left === 0 || others !== '' ? warn(text) : text;
}

function rateText({ rate: { ratePerS, pausedUntil }, at }: FleetStatus, { warn }: Painter): string {
  const limit = ratePerS === undefined ? 'no limit' : `at most ${ratePerS.toFixed(1)} requests a second`;
  if (pausedUntil === undefined || pausedUntil <= at) return limit;
  return warn(`${limit} · nothing is sent for ${durationText(pausedUntil - at)}, after a 429`);
}

function deletionsText({ deletions: { count, nextDueAt }, at }: FleetStatus): string {
  const pending = `${numberText(count)} pending`;
  if (nextDueAt === undefined) return pending;
  const due = nextDueAt <= at ? 'due now' : `due in ${spanInWords(nextDueAt - at)}`;
  return `${pending} · the next ${due} (${instantText(nextDueAt) ?? 'beyond the calendar'})`;
}

type Painter = Record<'dim' | 'warn' | 'alarm', (text: string) => string>;

/** styleText adds no colour unless the stream is a terminal, and none if NO_COLOR is set. */
function painter(stream: Writable): Painter {
  return {
    dim: (text) => styleText('dim', text, { stream }),
    warn: (text) => styleText('yellow', text, { stream }),
    alarm: (text) => styleText('red', text, { stream }),
  };
}
