/**
 * When a job happened, as the order in which the jobs of a user count: newest wins. Knows no clock of ours, only what the
 * job says of itself.
 */

/** `<epoch ms> <jobId>`, as it is stored. */
export type Version = `${number} ${string}`;

/** The version of a job: when it happened at the source, else when it was added; the job's id decides between equals. */
export function versionOf(job: { id: string; timestamp: number; occurredAt?: string | undefined }): Version {
  const ms = job.occurredAt === undefined ? job.timestamp : Date.parse(job.occurredAt);
  return `${ms} ${job.id}`;
}

/** Negative where `a` is older than `b`, positive where it is newer, 0 only for the same version. A total order. */
export function compareVersions(a: Version, b: Version): number {
  return msOf(a) - msOf(b) || compareJobIds(jobIdOf(a), jobIdOf(b));
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

/** The time in a version, in epoch milliseconds. */
export function msOf(version: Version): number {
  return Number(version.slice(0, version.indexOf(' ')));
}

function jobIdOf(version: Version): string {
  return version.slice(version.indexOf(' ') + 1);
}

/** Ids that the queue counted compare as numbers, all before the ids that a producer chose, which compare by code units. */
function compareJobIds(a: string, b: string): number {
  const isCounted = DIGITS.test(a);
  if (isCounted !== DIGITS.test(b)) return isCounted ? -1 : 1;
  // Never through Number: ids of more than 15 digits would be equal.
  if (isCounted && BigInt(a) !== BigInt(b)) return BigInt(a) < BigInt(b) ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
const DIGITS = /^\d+$/;
