/**
 * Builds the dashboard from the worker's parts: what each page reads.
 */
import type { Config } from '../config/config.ts';
import { type OperatorActions, createOperatorActions } from '../ops/dashboard/actions/operator-actions.ts';
import { createDashboard } from '../ops/dashboard/dashboard.ts';
import type { PageSources } from '../ops/dashboard/pages.ts';
import { createReadInTime } from '../ops/dashboard/read-in-time.ts';
import type { Mount } from '../ops/health.ts';
import { holdingCircuit } from '../store/circuits/holding-circuit.ts';
import { readWholeStory } from '../ops/story/whole-story.ts';
import { createAuditLog } from '../store/audit/audit-log.ts';
import { readHeldJobs } from '../store/circuits/held-jobs.ts';
import { createDueCounts } from '../store/deletions/due-counts.ts';
import { readDueTimes } from '../store/deletions/due-page.ts';
import { readMinutes } from '../store/users/outcome-counts.ts';
import { readWhyJobsWait } from '../store/users/why-jobs-wait.ts';
import type { DashboardParts } from './open-dashboard.ts';

export function buildDashboard(
  config: Config,
  accounts: NonNullable<Config['dashboard']>,
  parts: DashboardParts,
): Mount {
  const { prefix } = config.queues;
  const { log, connection, jobs, status, inTime } = parts;
  return createDashboard({
    access: {
      ...accounts,
      onLimited: () => log.warn('dashboard: too many wrong passwords from one address'),
    },
    fleet: {
      fleet: status,
      minutes: () => readMinutes(connection, prefix),
      calendar: () => createDueCounts({ jobs, prefix }).byDay(),
      isThere: () => connection.status === 'ready',
    },
    pages: pageSourcesOf(prefix, parts),
    inTime,
    loginsPerHour: config.loginsPerHour,
    isSandbox: config.damoov === 'sandbox',
    actions: openActions(config, accounts, parts),
  });
}

/** Undefined if no account may act. */
function openActions(
  { queues: { prefix, audit: queue } }: Config,
  { operator, proxy }: NonNullable<Config['dashboard']>,
  { connection, jobs, events, instances, onError, closing }: DashboardParts,
): OperatorActions | undefined {
  if (operator === undefined && proxy?.operatorGroup === undefined) return undefined;
  const actions = createOperatorActions({
    parts: { connection, prefix, jobs, events, instances: new Set(instances.keys()) },
    audit: createAuditLog({ connection, prefix, queue }),
    isThere: () => connection.status === 'ready',
    onError,
  });
  closing.push(() => actions.close());
  return actions;
}

function pageSourcesOf(
  prefix: string,
  { connection, jobs, events, circuits, instances }: DashboardParts,
): PageSources {
  const queue = { jobs, prefix };
  return {
    read: createReadInTime(() => connection.status === 'ready'),
    jobs: {
      jobs,
      why: (waiting) => readWhyJobsWait({ ...queue, instances }, waiting),
      dueAt: (jobIds) => readDueTimes(queue, jobIds),
      heldBy: (jobId) => holdingCircuit(queue, { jobId, instances: [...instances.keys()] }),
      held: (page) => readHeldJobs({ ...queue, circuits }, page),
    },
    events,
    deletions: { ...queue, held: (page) => readHeldJobs({ ...queue, circuits: ['deletion-limit'] }, page) },
    audit: createAuditLog({ connection, prefix }),
    instances: [...instances.keys()],
    async story(user) {
      const instance = instances.get(user.instance ?? 'default');
      if (instance === undefined) throw new TypeError('there is no such instance');
      return readWholeStory({ ...queue, instance }, user);
    },
  };
}
