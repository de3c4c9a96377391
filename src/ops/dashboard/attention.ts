/**
 * What of the fleet's state needs somebody, each in a sentence with what to do; the gravest first. Decides what is grave, not
 * how it looks.
 */
import { durationText } from '../../contract/duration.ts';
import { MANY_REVOKED } from '../../damoov/login-budget.ts';
import type { GateState } from '../../store/circuits/circuit-state.ts';
import type { FleetStatus } from '../fleet-status.ts';
import type { Reading } from './reading.ts';
import { clockTime, counted } from './words.ts';

export interface Attention {
  level: 'alarm' | 'warning';
  text: string;
  /** What somebody may do about it, or what happens by itself. */
  advice: string;
}

export function attentionTo(reading: Reading): Attention[] {
  if (reading.is === 'away') return [awayOf(reading.last?.fleet.at)];
  const { fleet } = reading.state;
  const found = [
    ...ofRedis(fleet),
    ...fleet.gates.flatMap((gate) => ofGate(gate, fleet.at)),
    ...ofLogins(fleet),
    ...ofRate(fleet),
    ...ofJobs(fleet),
    ...ofEvents(fleet),
  ];
  return found.sort((a, b) => Number(b.level === 'alarm') - Number(a.level === 'alarm'));
}

function awayOf(lastAt: number | undefined): Attention {
  const known = lastAt === undefined ? '' : ` What is shown is from ${clockTime(lastAt)} UTC.`;
  return {
    level: 'alarm',
    text: `Redis does not answer.${known}`,
    advice: 'Jobs wait until it is back; nothing is lost.',
  };
}

function ofRedis({ redisRefuses }: FleetStatus): Attention[] {
  if (redisRefuses === undefined) return [];
  return [
    {
      level: 'alarm',
      text: `${redisRefuses}.`,
      advice: 'Jobs wait until it takes writes again; nothing is lost.',
    },
  ];
}

function ofGate({ gate, shutSince, reason = '', probeAt, held }: GateState, at: number): Attention[] {
  if (gate === 'brake') {
    if (held === 0) return [];
    const text = `The brake holds ${counted(held, 'deletion')}${shutSince === undefined ? '' : ` for ${durationText(at - shutSince)}`}.`;
    return [
      { level: 'alarm', text, advice: '`damoov-users deletions release` or `refuse` decides over them.' },
    ];
  }
  if (shutSince === undefined) return [];
  const probe = probeAt === undefined || probeAt <= at ? 'now' : `in ${durationText(probeAt - at)}`;
  const what = gate === 'damoov' ? 'Damoov is away' : `The credential of \`${gate}\` is refused`;
  return [
    {
      level: 'alarm',
      text: `${what} for ${durationText(at - shutSince)}: ${reason}.`,
      advice: `${counted(held, 'job waits', 'jobs wait')}; tried again ${probe}.`,
    },
  ];
}

function ofLogins({ logins, at }: FleetStatus): Attention[] {
  if (logins === undefined) return [];
  const { left, barredUntil = 0, revoked = 0 } = logins;
  if (barredUntil > at) {
    const text = `Nobody logs in for ${durationText(barredUntil - at)}.`;
    return [
      { level: 'alarm', text, advice: 'Damoov bars an address that logs in too often; it ends by itself.' },
    ];
  }
  if (revoked >= MANY_REVOKED) {
    const text = `Others have ended ${revoked} sessions of the admin within the hour.`;
    return [{ level: 'warning', text, advice: 'Give the worker an admin account of its own.' }];
  }
  if (left > 0) return [];
  const advice = 'The session goes on while it can be refreshed.';
  return [{ level: 'warning', text: 'No log-in is left within the hour.', advice }];
}

function ofRate({ rate: { pausedUntil = 0 }, at }: FleetStatus): Attention[] {
  if (pausedUntil <= at) return [];
  const text = `Nothing is sent for ${durationText(pausedUntil - at)}, after a 429.`;
  return [{ level: 'warning', text, advice: 'The fleet goes on by itself, more slowly.' }];
}

function ofEvents({ events }: FleetStatus): Attention[] {
  const unread = events.filter(({ isRead, waiting }) => isRead === false && waiting > 0);
  const unreadFound = unread.map(({ queue, waiting }): Attention => ({
    level: 'warning',
    text: `Nobody reads \`${queue}\`, where ${counted(waiting, 'event waits', 'events wait')}.`,
    advice: 'Start its subscriber, or remove the queue from `EVENTS_QUEUES` (`none`: no events).',
  }));
  const givenUp = events
    .filter(({ failed }) => failed > 0)
    .map(({ queue, failed }): Attention => ({
      level: 'warning',
      text: `The subscriber of \`${queue}\` has given up ${counted(failed, 'event')}.`,
      advice: 'They lie there for 14 days; its own log says why.',
    }));
  return [...unreadFound, ...givenUp];
}

function ofJobs({ jobs, lastHour }: FleetStatus): Attention[] {
  const failed = lastHour
    .filter(({ outcome }) => outcome === 'failed')
    .reduce((sum, count) => sum + count.jobs, 0);
  const isPaused: Attention[] = jobs.isPaused
    ? [
        {
          level: 'warning',
          text: 'The queue is paused.',
          advice: 'No worker takes a job until it is resumed.',
        },
      ]
    : [];
  if (failed === 0) return isPaused;
  const text = `${counted(failed, 'job')} failed within the hour.`;
  return [...isPaused, { level: 'warning', text, advice: '`damoov-users failed list` shows them by code.' }];
}
