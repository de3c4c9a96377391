/**
 * Reads what the sandbox holds and what it was asked, and tells what of it must never be: users that differ from what was
 * expected, two requests for one user at once, two live users with one clientId.
 */
import { NOTHING, type Profile } from './history.ts';

/** How the ids of those begin whom others may move to another instance at any time. */
export const MOVED_BY_OTHERS = 'aaaaaaaa';

export interface RemoteUser extends Profile {
  readonly deviceToken: string;
  readonly clientId: string | null;
  readonly instanceId: string;
  readonly deletedAt: string | null;
}

export interface LoggedRequest {
  readonly seq: number;
  readonly operation: string;
  readonly deviceToken: string | null;
  readonly clientId: string | null;
  readonly status: number | null;
  readonly applied: boolean;
  readonly endedAfterSeq: number | null;
}

export interface SandboxView {
  readonly users: readonly RemoteUser[];
  readonly log: readonly LoggedRequest[];
}

/** A forbidden state, and its user. */
export interface Finding {
  readonly clientId: string;
  readonly what: string;
}

export async function viewSandbox(url: string): Promise<SandboxView> {
  const read = async (path: string) => (await fetch(`${url}/_sandbox${path}`)).json();
  const { users } = (await read('')) as { users: ListedUser[] };
  return { users: users.map(remoteUser), log: (await read('/requests')) as LoggedRequest[] };
}

/** As the sandbox lists it: what was never written is left out. */
type ListedUser = Omit<RemoteUser, 'tracking' | 'status'> & { status: string; enableTracking?: boolean };

function remoteUser({ status, enableTracking, ...user }: ListedUser): RemoteUser {
  const tracking = enableTracking ?? NOTHING.tracking;
  return { ...NOTHING, ...user, tracking, status: status === 'Active' ? 'active' : 'deactivated' };
}

/** Every clientId whose live users are not exactly the one expected. */
export function remoteDifferences({ users }: SandboxView, expected: ReadonlyMap<string, Profile>): Finding[] {
  const live = Map.groupBy(
    users.filter(({ deletedAt }) => deletedAt === null),
    ({ clientId }) => clientId ?? '(no clientId)',
  );
  const clientIds = new Set([...live.keys(), ...expected.keys()]);
  return [...clientIds].flatMap((clientId) => {
    const is = (live.get(clientId) ?? []).map(showProfile).join(' and ') || 'nobody';
    const wanted = expected.get(clientId);
    const shouldBe = wanted === undefined ? 'nobody' : showProfile(wanted);
    return is === shouldBe ? [] : [{ clientId, what: `is ${is}, and should be ${shouldBe}` }];
  });
}

function showProfile(profile: Profile): string {
  const names = Object.keys(NOTHING) as (keyof Profile)[];
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, profile[name]])));
}

/**
 * Every user who is not in the instance to which it was moved.
 * @param wanted the names of the instances, by clientId. @param names by InstanceId.
 */
export function misplaced(
  { users }: SandboxView,
  wanted: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string>,
): Finding[] {
  return users.flatMap(({ clientId, instanceId, deletedAt }) => {
    const place = wanted.get(clientId ?? '');
    const is = names.get(instanceId) ?? instanceId;
    return place === undefined || deletedAt !== null || is === place
      ? []
      : [{ clientId: clientId ?? '', what: `is in ${is}, and should be in ${place}` }];
  });
}

/** Every pair of requests that were under way for one user at the same time. */
export function overlaps({ log }: SandboxView): Finding[] {
  return [...byUser(log)].flatMap(([clientId, requests]) => {
    let longest: LoggedRequest | undefined;
    return requests.flatMap((request) => {
      const earlier = longest;
      if (earlier === undefined || endOf(request) > endOf(earlier)) longest = request;
      if (earlier === undefined || request.seq > endOf(earlier)) return [];
      return [{ clientId, what: `${showRequest(request)} came during ${showRequest(earlier)}` }];
    });
  });
}

/** Every create that made a second live user for its clientId. */
export function secondUsers({ log }: SandboxView): Finding[] {
  const live = new Map<string, Set<string>>();
  return log.flatMap((request) => {
    const { operation, clientId, deviceToken, applied } = request;
    if (!applied || clientId === null || deviceToken === null) return [];
    const tokens = live.get(clientId) ?? new Set();
    live.set(clientId, tokens);
    if (operation === 'delete') tokens.delete(deviceToken);
    if (operation === 'create') tokens.add(deviceToken);
    return operation === 'create' && tokens.size > 1
      ? [{ clientId, what: `had ${tokens.size} users after ${showRequest(request)}` }]
      : [];
  });
}

/** The requests about each user, of any generation, in order of arrival. */
function byUser(log: readonly LoggedRequest[]): Map<string, LoggedRequest[]> {
  const clientIds = new Map<string, string>();
  for (const { clientId, deviceToken } of log) {
    if (clientId !== null && deviceToken !== null) clientIds.set(deviceToken, clientId);
  }
  const userOf = ({ clientId, deviceToken }: LoggedRequest) =>
    clientId ?? clientIds.get(deviceToken ?? '') ?? deviceToken;
  // Others may move a user while a request for it is under way; and who bears a clientId may be asked before the user is locked.
  const ours = log.filter(({ operation, deviceToken }) =>
    operation === 'move'
      ? deviceToken?.startsWith(MOVED_BY_OTHERS) !== true
      : operation !== 'find' || deviceToken !== null,
  );
  const grouped = Map.groupBy(ours, (request) => userOf(request) ?? '');
  grouped.delete(''); // logins concern nobody
  return grouped;
}

/** The requests about a user, in order of arrival. */
export function requestsOf(clientId: string, { log }: SandboxView): string[] {
  return (byUser(log).get(clientId) ?? []).map(showRequest);
}

function showRequest({ seq, operation, deviceToken, status, applied }: LoggedRequest): string {
  const answer = status === null ? 'no answer' : String(status);
  return `#${seq} ${operation} ${deviceToken?.slice(0, 8) ?? ''} (${answer}${applied ? ', applied' : ''})`;
}

/** Two requests overlapped exactly if the later one's seq is not greater than the end of the earlier one. */
function endOf({ endedAfterSeq }: LoggedRequest): number {
  return endedAfterSeq ?? Number.POSITIVE_INFINITY;
}
