/**
 * When a job happened, as the order in which the jobs of a user count: newest wins.
 */

/** `<epoch ms> <rank> <jobId>`, as it is stored; the ms have a fraction where the source knows the time better. */
export type Version = `${number} ${number} ${string}`;

/** At equal times a user is created first, then changed, then deleted: so one call of a producer can ask for several. */
const RANKS: Readonly<Record<string, number>> = { 'create-user': 0, 'update-user': 1, 'delete-user': 2 };

/** The version of a job: when it happened at the source, else when it was added; its name and id decide between equals. */
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

/** What an ISO time says beyond its milliseconds, which `Date` cuts off. */
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

/** Whether `version` is older than `other`; what is not known is older than everything. */
export function isOlder(version: Version | undefined, other: Version | undefined): boolean {
  if (other === undefined) return false;
  return version === undefined || compareVersions(version, other) < 0;
}

/** The newer one of what is known and a version. */
export function newest(known: Version | undefined, version: Version): Version {
  return known !== undefined && compareVersions(known, version) > 0 ? known : version;
}

/** The time in a version, in epoch milliseconds; its fraction is rounded to what a number can hold. */
export function msOf(version: Version): number {
  return Number(version.slice(0, version.indexOf(' ')));
}

/** The job whose version it is. */
export function jobIdOf(version: Version): string {
  return partsOf(version).jobId;
}

function partsOf(version: Version): { ms: string; fraction: string; rank: string; jobId: string } {
  const [time = '', rank = ''] = version.split(' ', 2);
  const [ms = '', fraction = ''] = time.split('.');
  return { ms, fraction, rank, jobId: version.slice(time.length + rank.length + 2) };
}

/** Ids that the queue counted compare as numbers, all before the ids that a producer chose, which compare by code units. */
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
