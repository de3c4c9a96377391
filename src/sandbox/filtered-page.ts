/**
 * POST /v1/Management/users/GetFilteredPage: all users of some instances, page by page. Free-text search,
 * dates, places and the orders by profile field are not simulated.
 */
import { type Answer, type FieldFault, failure, success } from './envelope.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, Body } from './request.ts';
import { asRead } from './user-record.ts';
import type { World } from './world.ts';

/** Assumption: the sizes a request may leave out. */
const DEFAULT_PAGE_SIZE = 50;

export function page(_call: Call, request: ApiRequest, world: World): Answer {
  const { body } = request;
  if (!(body instanceof Body)) return body;
  const faults: FieldFault[] = [];
  const number = readPositive(body, 'PageNumber', 1, faults);
  const size = readPositive(body, 'PageSize', DEFAULT_PAGE_SIZE, faults);
  const sort = body.get('Sort') ?? 'DateCreatedDesc';
  // Refused rather than ignored: a caller who relies on another order should learn that here.
  if (sort !== 'DateCreated' && sort !== 'DateCreatedDesc') {
    faults.push({ Key: 'Sort', Message: 'The sandbox sorts by DateCreated or DateCreatedDesc only.' });
  }
  if (faults.length > 0) return failure(422, faults);

  const users = usersOf(body, world);
  if (sort === 'DateCreatedDesc') users.reverse();
  const withAccount = body.get('IncludeAccountInfo') === true;
  const totalPages = Math.ceil(users.length / size);
  return success({
    Users: users
      .slice((number - 1) * size, number * size)
      .map((user) => asRead(user, withAccount, world.modes.tokenCasing)),
    HasPreviousPage: number > 1,
    HasNextPage: number < totalPages,
    TotalUsers: users.length,
    TotalPages: totalPages,
    CurrentPage: number,
  });
}

/** In the order of creation. */
function usersOf(body: Body, { users, clock }: World) {
  const instanceIds = lowerTexts(body.get('InstanceIds'));
  const statuses = lowerTexts(body.get('ActivityStatuses'));
  // A sandbox user never drives: "No Data" when read, NoData in this filter (documented).
  if (statuses.length > 0 && !statuses.includes('nodata')) return [];
  const seen = users.find({ ...EVERYBODY, showInactive: body.get('ShowInactiveUsers') === true }, clock());
  if (instanceIds.length === 0) return seen;
  return seen.filter(({ instanceId }) => instanceIds.includes(instanceId));
}

const EVERYBODY = {
  deviceToken: undefined,
  clientId: undefined,
  email: undefined,
  phone: undefined,
  firstName: undefined,
  lastName: undefined,
  fullName: undefined,
};

function lowerTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.map((item) => String(item).toLowerCase()) : [];
}

function readPositive(body: Body, name: string, absent: number, faults: FieldFault[]): number {
  const value = body.get(name) ?? absent;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  faults.push({ Key: name, Message: `The field ${name} must be a positive integer.` });
  return absent;
}
