/**
 * Lists what needs an operator, each in a sentence with what to do; the most serious first. Not how it looks.
 */
import { durationText } from '../../../contract/duration.ts';
import { MANY_REVOKED } from '../../../damoov/login-budget.ts';
import type { CircuitState } from '../../../store/circuits/circuit-state.ts';
import type { FleetStatus } from '../../fleet-status.ts';
import type { Reading } from './reading.ts';
import { pathOf } from '../paths.ts';
import { clockTime, counted } from '../words.ts';

export interface Attention {
  /** The same for as long as it lasts. */
  name: string;
  level: 'alarm' | 'warning';
  text: string;
  /** What to do, or what happens automatically. */
  advice: string;
  /** The page that shows what is meant. */
  href?: string | undefined;
}

const alarm = (name: string, text: string, advice: string, href?: string): Attention => ({
  name,
  level: 'alarm',
  text,
  advice,
  href,
});
const warning = (name: string, text: string, advice: string, href?: string): Attention => ({
  ...alarm(name, text, advice, href),
  level: 'warning',
});

export function attentionTo(reading: Reading): Attention[] {
  if (reading.is === 'away') {
    const { last } = reading;
    const known = last === undefined ? '' : ` What is shown is from ${clockTime(last.fleet.at)} UTC.`;
    return [alarm('redis', `Redis does not answer.${known}`, 'Jobs wait until it is back; nothing is lost.')];
  }
  return attentionToFleet(reading.state.fleet);
}

export function attentionToFleet(fleet: FleetStatus): Attention[] {
  const found = [
    ...ofRedis(fleet),
    ...fleet.circuits.flatMap((circuit) => ofCircuit(circuit, fleet.at)),
    ...ofLogins(fleet),
    ...ofRate(fleet),
    ...ofJobs(fleet),
    ...ofEvents(fleet),
  ];
  return found.sort((a, b) => Number(b.level === 'alarm') - Number(a.level === 'alarm'));
}

function ofRedis({ redisRefuses }: FleetStatus): Attention[] {
  if (redisRefuses === undefined) return [];
  return [alarm('redis', `${redisRefuses}.`, 'Jobs wait until it takes writes again; nothing is lost.')];
}

function ofCircuit(
  { circuit, openSince, reason = '', probeAt = 0, held }: CircuitState,
  at: number,
): Attention[] {
  const since = openSince === undefined ? '' : ` for ${durationText(at - openSince)}`;
  if (circuit === 'deletion-limit') {
    if (held === 0) return [];
    const text = `The deletion limit holds ${counted(held, 'deletion')}${since}.`;
    const advice =
      'An operator decides: on the dashboard, or by `damoov-users deletions release` or `refuse`.';
    return [alarm(circuit, text, advice, pathOf('/deletions', { state: 'held' }))];
  }
  if (openSince === undefined) return [];
  const probe = probeAt <= at ? 'now' : `in ${durationText(probeAt - at)}`;
  const what = circuit === 'damoov' ? 'Damoov is away' : `The credential of \`${circuit}\` is refused`;
  const advice = `${counted(held, 'job waits', 'jobs wait')}; tried again ${probe}.`;
  const href = held === 0 ? undefined : pathOf('/jobs', { state: 'held' });
  return [alarm(`circuit ${circuit}`, `${what}${since}: ${reason}.`, advice, href)];
}

function ofLogins({ logins, at }: FleetStatus): Attention[] {
  if (logins === undefined) return [];
  const { left, barredUntil = 0, revoked = 0 } = logins;
  if (barredUntil > at) {
    const text = `No login is allowed for ${durationText(barredUntil - at)}.`;
    return [alarm('logins', text, 'Damoov bars an address that logs in too often; it ends by itself.')];
  }
  if (revoked >= MANY_REVOKED) {
    const text = `Others have ended ${revoked} sessions of the admin within the hour.`;
    return [warning('account', text, 'Give the worker an admin account of its own.')];
  }
  if (left > 0) return [];
  return [
    warning('logins', 'No login is left within the hour.', 'The session goes on while it can be refreshed.'),
  ];
}

function ofRate({ rate: { pausedUntil = 0 }, at }: FleetStatus): Attention[] {
  if (pausedUntil <= at) return [];
  const text = `Nothing is sent for ${durationText(pausedUntil - at)}, after a 429.`;
  return [warning('rate', text, 'The fleet goes on by itself, more slowly.')];
}

function ofJobs({ jobs, lastHour }: FleetStatus): Attention[] {
  const failed = lastHour
    .filter(({ outcome }) => outcome === 'failed')
    .reduce((sum, count) => sum + count.jobs, 0);
  const paused = warning(
    'paused',
    `The queue \`${jobs.queue}\` is paused.`,
    'No worker takes a job until it is resumed.',
  );
  const shows = '`damoov-users failed list` shows them by code.';
  const text = `${counted(failed, 'job')} failed within the hour.`;
  return [
    ...(jobs.isPaused ? [paused] : []),
    ...(failed > 0 ? [warning('failed', text, shows, pathOf('/jobs', { state: 'failed' }))] : []),
  ];
}

function ofEvents({ events }: FleetStatus): Attention[] {
  return events.flatMap(({ queue, isPaused, isRead, waiting, failed }) => {
    const unread = `No worker reads \`${queue}\`, where ${counted(waiting, 'event waits', 'events wait')}.`;
    const start = 'Start its subscriber, or remove the queue from `EVENTS_QUEUES` (`none`: no events).';
    const deadLetters = `The subscriber of \`${queue}\` has ${counted(failed, 'dead letter')}.`;
    const stays = 'They stay for 14 days: `damoov-users dead-letters list`.';
    const paused = `The queue \`${queue}\` is paused.`;
    return [
      ...(isPaused
        ? [warning(`paused ${queue}`, paused, 'Its subscriber gets no event until it is resumed.')]
        : []),
      ...(isRead === false && waiting > 0 ? [warning(`unread ${queue}`, unread, start)] : []),
      ...(failed > 0
        ? [warning(`dead letters ${queue}`, deadLetters, stays, pathOf('/dead-letters', { queue }))]
        : []),
    ];
  });
}
