/**
 * POST /v1/Management/users/GetFilteredPage and POST /v1/Management/users/count: the users that match every filter of a body, as a page
 * or as a number.
 */
import { z } from 'zod';
import { faultsOf } from './body-faults.ts';
import { timeOf } from './dates.ts';
import { type Answer, failure, success } from './envelope.ts';
import { APPLICATION, COMPANY } from './hierarchy.ts';
import type { SandboxModes } from './modes.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, asUuid } from './request.ts';
import { type UserRecord, asRead, fieldsOf } from './user-record.ts';
import { SORTS, sorted } from './user-sort.ts';
import type { World } from './world.ts';

/** Assumption: the default page size. */
const DEFAULT_PAGE_SIZE = 50;

const uuid = z.string().transform((value, context) => {
  const id = asUuid(value);
  if (id === undefined) context.addIssue('Expected a UUID.');
  return id;
});
// Assumption: an empty list is no filter, as documented for ActivityStatuses.
const ids = z.array(uuid).nullish();
const text = z.string().nullish();
const flag = z.boolean().nullish();
const date = z
  .string()
  .transform((value, context) => {
    const at = timeOf(value);
    if (at === undefined) context.addIssue('Expected a date as ISO 8601.');
    return at;
  })
  .nullish();

/** Where a user belongs; each list is a separate filter (documented). */
const Identifiers = z.strictObject({ CompanyIds: ids, ApplicationIds: ids, InstanceIds: ids });

/**
 * All documented filters are supported. Others are refused: a caller that relies on one must notice, and not get unintended users. The
 * vendor's own reference has a sample with Filters and Pagination that contradicts its list of fields.
 */
const PageBody = Identifiers.extend({
  PageNumber: positive('PageNumber').default(1),
  PageSize: positive('PageSize').default(DEFAULT_PAGE_SIZE),
  IncludeAccountInfo: flag,
  SearchTerm: text,
  Sort: z.enum(SORTS).default('DateCreatedDesc'),
  ActivityStatuses: z.array(z.enum(['Active', 'Inactive', 'Lost', 'NoData', 'Error'])).nullish(),
  DateCreatedFrom: date,
  DateCreatedTo: date,
  Country: text,
  City: text,
  ShowInactiveUsers: flag,
  RtdEnabled: flag,
});

/** Seen in the code of one integrator. Assumption: there are no other fields. */
const CountBody = z.strictObject({
  Identifiers: Identifiers.nullish(),
  IsEnabled: flag,
  IsTrackingEnabled: flag,
  IncludeDeactivated: flag,
});

export function page(_call: Call, request: ApiRequest, { users, clock, modes }: World): Answer {
  if (request.bodyFault !== undefined) return request.bodyFault;
  const { data: filter, error } = PageBody.safeParse(request.body);
  if (error !== undefined) return failure(422, faultsOf(error));
  const { PageNumber: number, PageSize: size } = filter;
  const isMeant = (user: UserRecord) => belongs(user, filter) && matches(user, filter);
  const found = users.find({ showInactive: filter.ShowInactiveUsers === true, isMeant }, clock());
  const totalPages = Math.ceil(found.length / size);
  return success({
    Users: sorted(found, filter.Sort)
      .slice((number - 1) * size, number * size)
      .map((user) => asRead(user, filter.IncludeAccountInfo === true, modes)),
    HasPreviousPage: number > 1,
    HasNextPage: number < totalPages,
    TotalUsers: found.length,
    TotalPages: totalPages,
    CurrentPage: number,
  });
}

export function count(_call: Call, request: ApiRequest, { users, clock, modes }: World): Answer {
  if (request.bodyFault !== undefined) return request.bodyFault;
  const { data: filter, error } = CountBody.safeParse(request.body);
  if (error !== undefined) return failure(422, faultsOf(error));
  const isMeant = (user: UserRecord) => {
    const { Enabled, EnableTracking } = fieldsOf(user);
    return (
      belongs(user, filter.Identifiers ?? {}) &&
      isEqual(Enabled, filter.IsEnabled) &&
      isEqual(EnableTracking, filter.IsTrackingEnabled)
    );
  };
  const found = users.find({ showInactive: filter.IncludeDeactivated === true, isMeant }, clock());
  return success(asCount(found.length, modes));
}

function asCount(total: number, { countForm }: SandboxModes) {
  return countForm === 'number' ? total : { [countForm]: total };
}

function belongs({ instanceId }: UserRecord, filter: z.output<typeof Identifiers>): boolean {
  return (
    isAmong(COMPANY.id, filter.CompanyIds) &&
    isAmong(APPLICATION.id, filter.ApplicationIds) &&
    isAmong(instanceId, filter.InstanceIds)
  );
}

function matches(user: UserRecord, filter: z.output<typeof PageBody>): boolean {
  const { profile, createdAt } = user;
  const { DateCreatedFrom: from, DateCreatedTo: to } = filter;
  return (
    // No user of a sandbox makes trips.
    isAmong('NoData', filter.ActivityStatuses) &&
    // Assumption: both ends belong to the range.
    createdAt >= (from ?? -Infinity) &&
    createdAt <= (to ?? Infinity) &&
    // Assumption: exact and with case, as in find.
    isEqual(profile.Country, filter.Country) &&
    isEqual(profile.City, filter.City) &&
    // Inferred: EnableRealTimeLocation switches real-time data on.
    isEqual(fieldsOf(user).EnableRealTimeLocation, filter.RtdEnabled) &&
    hasTerm(user, filter.SearchTerm)
  );
}

/** Free text (documented). Assumption: a part of a name, of the contact data or of an id, without case. */
function hasTerm({ deviceToken, profile, fields }: UserRecord, term: string | null | undefined): boolean {
  const { FirstName, LastName, Nickname, Email, Phone } = profile;
  const searched = [deviceToken, fields.ClientId, FirstName, LastName, Nickname, Email, Phone];
  const wanted = term?.toLowerCase() ?? '';
  return searched.some((value) => typeof value === 'string' && value.toLowerCase().includes(wanted));
}

/** An absent filter is not compared: undefined, null and the empty text. */
function isEqual<Value>(value: Value, wanted: Value): boolean {
  return wanted === undefined || wanted === null || wanted === '' || value === wanted;
}

function isAmong(value: string, list: readonly (string | undefined)[] | null | undefined): boolean {
  return list === undefined || list === null || list.length === 0 || list.includes(value);
}

function positive(name: string) {
  const message = `The field ${name} must be a positive integer.`;
  return z.int({ error: message }).min(1, { error: message });
}
