/**
 * The version of a job: it orders the jobs of a user, and the newest wins.
 */

/** `<epoch ms> <rank> <jobId>`, as stored; the ms have a fraction if the source's time is more precise. */
export type Version = `${number} ${number} ${string}`;

/** At equal times a user is created first, then changed, moved, deleted: so one call of a producer can request several. */
const RANKS: Readonly<Record<string, number>> = {
  'create-user': 0,
  'update-user': 1,
  'move-user': 2,
  'delete-user': 3,
};

/** The version of a job: its time at the source, else when it was added; its name and id decide between equal times. */
export function versionOf(job: {
  name: string;
  id: string;
  timestamp: number;
  occurredAt?: string | undefined;
}): Version {
  const { name, id, timestamp, occurredAt } = job;
  const time =
    occurredAt === undefined ? String(timestamp) : `${Date.parse(occurredAt)}${beyondMs(occurredAt)}`;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a number with a fraction is a number
  return `${time} ${RANKS[name] ?? 1} ${id}` as Version;
}

/** The digits of an ISO time beyond milliseconds, which `Date` cuts off. */
function beyondMs(iso: string): string {
  const digits = /\.\d{3}(\d{1,15})/.exec(iso)?.[1]?.replace(/(?<!0)0+$/, '') ?? '';
  return digits === '' ? '' : `.${digits}`;
}

/** Negative if `a` is older than `b`, positive if it is newer, 0 only for the same version. A total order. */
export function compareVersions(a: Version, b: Version): number {
  const [one, other] = [partsOf(a), partsOf(b)];
  return (
    Number(one.ms) - Number(other.ms) ||
    compareTexts(one.fraction, other.fraction) ||
    Number(one.rank) - Number(other.rank) ||
    compareJobIds(one.jobId, other.jobId)
  );
}

/** Whether `version` is older than `other`; undefined is older than everything. */
export function isOlder(version: Version | undefined, other: Version | undefined): boolean {
  if (other === undefined) return false;
  return version === undefined || compareVersions(version, other) < 0;
}

/** The newer of the two. */
export function newest(known: Version | undefined, version: Version): Version {
  return known !== undefined && compareVersions(known, version) > 0 ? known : version;
}

/** The time in a version, in epoch milliseconds; its fraction is rounded to what a number can hold. */
export function msOf(version: Version): number {
  return Number(version.slice(0, version.indexOf(' ')));
}

/** The job of this version. */
export function jobIdOf(version: Version): string {
  return partsOf(version).jobId;
}

/** The operation of the job of this version. */
export function operationOf(version: Version): string | undefined {
  const { rank } = partsOf(version);
  return Object.keys(RANKS).find((name) => String(RANKS[name]) === rank);
}

function partsOf(version: Version): { ms: string; fraction: string; rank: string; jobId: string } {
  const [time = '', rank = ''] = version.split(' ', 2);
  const [ms = '', fraction = ''] = time.split('.');
  return { ms, fraction, rank, jobId: version.slice(time.length + rank.length + 2) };
}

/** Ids from the queue's counter compare as numbers, before ids chosen by producers, which compare by code units. */
function compareJobIds(a: string, b: string): number {
  const isCounted = DIGITS.test(a);
  if (isCounted !== DIGITS.test(b)) return isCounted ? -1 : 1;
  // Never through Number: ids of more than 15 digits would be equal.
  if (isCounted && BigInt(a) !== BigInt(b)) return BigInt(a) < BigInt(b) ? -1 : 1;
  return compareTexts(a, b);
}
const DIGITS = /^\d+$/;

/** By code units. Digits of a fraction with no zero at their end compare so, too. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
