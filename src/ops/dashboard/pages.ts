/**
 * The pages by their paths: each checks its query, reads in limited time, and renders.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { ClientId } from '../../contract/client-id.ts';
import { UserId } from '../../contract/fields.ts';
import type { AuditLog } from '../../store/audit/audit-log.ts';
import type { StoryOf } from '../story/whole-story.ts';
import type { Buttons } from './actions/forms.ts';
import {
  deadLettersActions,
  deletionsActions,
  jobActions,
  jobListActions,
  userActions,
} from './actions/page-actions.ts';
import { auditPage } from './audit/audit-page.ts';
import { readDeadLetters } from './dead-letters/dead-letter-list.ts';
import { deadLettersPage } from './dead-letters/dead-letters-page.ts';
import { type DeletionSources, readDeletionPage } from './deletions/deletion-page.ts';
import { deletionsPage } from './deletions/deletions-page.ts';
import { readJobDetails } from './jobs/job-details.ts';
import { CODES, type JobListSources, STATES, readJobList } from './jobs/job-list.ts';
import { jobListPage } from './jobs/job-list-page.ts';
import { jobPage, noJobPage } from './jobs/job-page.ts';
import type { Page } from './layout.ts';
import { InputFault } from './input-fault.ts';
import { Day, Id, Skipped, oneOf, queryIn } from './query.ts';
import { PAGE } from './ranks.ts';
import type { ReadInTime } from './read-in-time.ts';
import { onlyOne, searchPage } from './search/search-page.ts';
import { search } from './search/search.ts';
import { userPage } from './users/user-page.ts';

export interface PageSources {
  read: ReadInTime;
  jobs: JobListSources;
  events: readonly Queue[];
  deletions: DeletionSources;
  audit: Pick<AuditLog, 'newest'>;
  /** The names of the configured instances. */
  instances: readonly string[];
  story: StoryOf;
}

export interface PageRequest {
  url: string;
  /** The last part of the path, where the path ends with an id. */
  id: string;
  /** Undefined for viewers. */
  buttons?: Buttons | undefined;
}

/** A page, or the address where it is. */
export type PageOf = (request: PageRequest) => Promise<Page | { leadsTo: string }>;

/** @returns the pages by their paths below the dashboard's. */
export function pagesOf(sources: PageSources): Record<string, PageOf> {
  return {
    '/jobs': jobs(sources),
    '/jobs/:jobId': oneJob(sources),
    '/users': oneUser(sources),
    '/search': searched(sources),
    '/deletions': deletions(sources),
    '/dead-letters': deadLetters(sources),
    '/audit': auditLog(sources),
  };
}

function jobs({ read, jobs: source }: PageSources): PageOf {
  return async ({ url, buttons }) => {
    const query = queryIn(url, {
      state: oneOf(STATES).default('waiting'),
      code: oneOf(CODES).optional(),
      from: Skipped,
    });
    if (query.code !== undefined && query.state !== 'failed')
      throw new InputFault(['code is only of failed jobs: it needs state=failed.']);
    const list = await read(() => readJobList(source, query));
    return jobListPage(list, jobListActions(list, buttons));
  };
}

function oneJob({ read, jobs: source }: PageSources): PageOf {
  return async ({ url, id, buttons }) => {
    queryIn(url, {});
    const job = await read(() => readJobDetails(source, id));
    return job === undefined ? noJobPage(id) : jobPage(job, jobActions(job, buttons));
  };
}

function oneUser({ read, instances, story }: PageSources): PageOf {
  return async ({ url, buttons }) => {
    const query = queryIn(url, {
      'client-id': ClientId.optional(),
      'user-id': UserId.optional(),
      instance: z.enum(instances, { error: `must be one of ${instances.join(', ')}` }).prefault('default'),
    });
    const { 'client-id': clientId, 'user-id': userId, instance } = query;
    if (clientId === undefined && userId === undefined)
      throw new InputFault(['client-id or user-id is needed.']);
    const user = {
      instance,
      ...(clientId !== undefined && { clientId }),
      ...(userId !== undefined && { userId }),
    };
    const whole = await read(() => story(user));
    return userPage(whole, userActions(whole, buttons));
  };
}

function searched({ read, jobs: source, instances, story }: PageSources): PageOf {
  const isJob = async (id: string) => (await readJobDetails(source, id)) !== undefined;
  return async ({ url }) => {
    const sought = queryIn(url, { for: Id }).for.trim();
    const found = await read(() => search({ instances, story, isJob }, sought));
    const leadsTo = onlyOne(found);
    return leadsTo === undefined ? searchPage(sought, found) : { leadsTo };
  };
}

function deletions({ read, deletions: source }: PageSources): PageOf {
  return async ({ url, buttons }) => {
    const { 'from-day': fromDay, ...query } = queryIn(url, {
      state: oneOf(['pending', 'held']).default('pending'),
      day: Day.optional(),
      'from-day': Day.optional(),
      from: Skipped,
    });
    const chosen = [query.state === 'held', query.day !== undefined, fromDay !== undefined];
    if (chosen.filter(Boolean).length > 1)
      throw new InputFault(['state=held, day and from-day exclude each other.']);
    const page = await read(() => readDeletionPage(source, { ...query, fromDay }, Date.now()));
    return deletionsPage(page, deletionsActions(page, buttons));
  };
}

function deadLetters({ read, events }: PageSources): PageOf {
  const names = events.map(({ name }) => name);
  return async ({ url, buttons }) => {
    const query = queryIn(url, {
      queue: z.enum(names, { error: `must be one of ${names.join(', ') || 'none'}` }).optional(),
      from: Skipped,
    });
    const list = await read(() => readDeadLetters(events, query));
    return deadLettersPage(list, deadLettersActions(list, buttons));
  };
}

function auditLog({ read, audit }: PageSources): PageOf {
  const Entry = z.string().regex(/^[1-9]\d{0,14}-\d{1,15}$/, 'must be the id of an entry');
  return async ({ url }) => {
    const { before } = queryIn(url, { before: Entry.optional() });
    const page = await read(() => audit.newest({ before, count: PAGE }));
    return auditPage({ ...page, before });
  };
}
