/**
 * The spelling a sender probably meant: the Python SDK's names, other cases, and profile fields in the wrong place.
 */
const NAMES = new Map(
  Object.entries({
    clientid: 'clientId',
    userid: 'userId',
    customtoken: 'userId',
    devicetoken: 'userId',
    createaccesstoken: 'createAccessToken',
    profile: 'profile',
    changes: 'changes',
    reason: 'reason',
    instance: 'instance',
    instanceid: 'instance',
    correlationid: 'correlationId',
    occurredat: 'occurredAt',
  }),
);

const PROFILE_NAMES = new Map(
  Object.entries({
    firstname: 'firstName',
    lastname: 'lastName',
    nickname: 'nickname',
    phone: 'phone',
    email: 'email',
  }),
);

/** Where a job has the fields of the profile. */
const SECTIONS = new Map([
  ['create-user', 'profile'],
  ['update-user', 'changes'],
]);

/** The key that was probably meant by `key` under `path` (empty at the top) of a job, or undefined. */
export function hintFor(jobName: string, path: string, key: string): string | undefined {
  const folded = key.toLowerCase().replaceAll(/[_\- ]/g, '');
  const section = SECTIONS.get(jobName);
  const field = PROFILE_NAMES.get(folded);
  if (path !== '') return field ?? NAMES.get(folded);
  return NAMES.get(folded) ?? (field && section && `${section}.${field}`);
}
