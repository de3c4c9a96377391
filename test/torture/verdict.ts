/**
 * Compares the end of a torture run with what must be, and counts what the sandbox did to the workers.
 */
import { instancesAfter, tell, usersAfter } from '../model/history.ts';
import {
  type Finding,
  type SandboxView,
  misplaced,
  overlaps,
  remoteDifferences,
  requestsOf,
  secondUsers,
} from '../model/sandbox-view.ts';
import type { AddedEvent, Collector } from './collector.ts';
import { INSTANCE_NAMES } from '../support/instances.ts';
import type { LoadJob } from './load.ts';

export interface End {
  readonly load: readonly LoadJob[];
  readonly collector: Collector;
  readonly view: SandboxView;
  /** Jobs that are neither completed nor failed, by state. */
  readonly left: Readonly<Record<string, number>>;
}

/** Each difference under what must hold; nothing under any, where all is as it must be. */
export type Verdict = Readonly<Record<string, readonly Finding[]>>;

export function judge({ load, collector, view, left }: End): Verdict {
  const inOrderOfVersion = load.toSorted((a, b) => a.version - b.version);
  return {
    'one event id a job': load.flatMap((job) => wrongIds(job, collector)),
    'events in the order of settlement': overtaking(load, collector),
    'no job failed': load.flatMap((job) => failure(job, collector)),
    'no job left over': Object.entries(left).flatMap(([state, count]) =>
      count === 0 ? [] : [{ clientId: '', what: `${count} jobs are ${state}` }],
    ),
    'remote state = model': remoteDifferences(view, usersAfter(inOrderOfVersion)),
    'each user is where it was moved': misplaced(view, instancesAfter(inOrderOfVersion), INSTANCE_NAMES),
    'one live user a clientId, ever': secondUsers(view),
    'one request a user at a time': overlaps(view),
  };
}

function wrongIds({ id, clientId }: LoadJob, collector: Collector): Finding[] {
  const ids = [...collector.idsOf(id)];
  if (ids.length === 1 && collector.isSettled(id)) return [];
  return [{ clientId, what: `job ${id} has ${ids.length} event ids: ${ids.join(', ')}` }];
}

/** Events of one user that were added before one whose job was settled earlier. */
function overtaking(load: readonly LoadJob[], { added }: Collector): Finding[] {
  const clientIds = new Map(load.map(({ id, clientId }) => [id, clientId]));
  const bySettlement = added.toSorted((a, b) => a.settledAt - b.settledAt);
  const last = new Map<string, AddedEvent>();
  return bySettlement.flatMap((event) => {
    const { id, jobId, queue, settledAt, addedAt } = event;
    const clientId = clientIds.get(jobId) ?? '';
    const before = last.get(`${queue} ${clientId}`);
    last.set(`${queue} ${clientId}`, event);
    const isOvertaking = before !== undefined && before.settledAt < settledAt && before.addedAt > addedAt;
    return isOvertaking ? [{ clientId, what: `${id} was added before ${before.id}` }] : [];
  });
}

function failure({ id, clientId }: LoadJob, { failures }: Collector): Finding[] {
  const code = failures.get(id);
  return code === undefined ? [] : [{ clientId, what: `job ${id} failed: ${code}` }];
}

/** The whole history of a user: its jobs as added, their outcomes, and the requests to Damoov. */
export function story(user: string, { load, collector, view }: End): string[] {
  const jobs = load.filter(({ clientId }) => clientId === user);
  return [
    ...jobs.map((job) => `${job.id} ${tell(job)} → ${[...collector.idsOf(job.id)].join(', ')}`),
    ...requestsOf(user, view),
  ];
}

/** What became of the requests; those of a killed worker count among the dropped ones. */
export function sandboxFaults({ log }: SandboxView): Record<string, number> {
  const count = (test: (request: SandboxView['log'][number]) => boolean) => log.filter(test).length;
  return {
    'answered 5xx': count(({ status }) => status !== null && status >= 500),
    'applied, answer lost': count(({ status, applied }) => status === null && applied),
    'dropped, not applied': count(({ status, applied }) => status === null && !applied),
  };
}
