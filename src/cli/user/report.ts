/**
 * Formats the story of one user, as text and as JSON. Shows ids, never personal data.
 */
import { type Version, jobIdOf, msOf } from '../../contract/version.ts';
import { sameUserId } from '../../damoov/wire.ts';
import type { UserRecord } from '../../operations/context.ts';
import { type Part, type StoryLine, storyLines } from '../../ops/story/story-lines.ts';
import type { WholeStory } from '../../ops/story/whole-story.ts';
import { jsonLine, onOneLine } from '../terminal/text.ts';

/** A user as Damoov shows it. */
export interface FoundUser {
  userId: string;
  clientId: string | undefined;
  /** Its configured name, else its InstanceId. */
  instance: string;
  status: string | undefined;
}

export function userJson(whole: WholeStory, atDamoov: readonly FoundUser[] | undefined): string {
  const { user, story, open, failed, deletion } = whole;
  const differences = atDamoov && differencesOf(whole, atDamoov);
  return jsonLine({
    ...user,
    isKnown: story !== undefined,
    ...(story && { record: recordOf(story.record) }),
    open,
    failed,
    deletion,
    damoov: atDamoov,
    differences,
  });
}

function recordOf({ userId, state, generation, fields, created, deleted, moved, ...more }: UserRecord) {
  return {
    userId,
    state,
    generation,
    created: writeOf(created),
    deleted: writeOf(deleted),
    moved: writeOf(moved),
    seenAt: more.lastSeenAt,
    createInDoubt: more.isInDoubt,
    deletingSince: more.deletingSince,
    movingSince: more.movingSince,
    formerUserId: more.formerUserId,
    written: Object.fromEntries(Object.entries(fields).map(([name, version]) => [name, writeOf(version)])),
  };
}

function writeOf(version: Version | undefined): { at: number; jobId: string } | undefined {
  return version && { at: msOf(version), jobId: jobIdOf(version) };
}

export function userText(whole: WholeStory, atDamoov: readonly FoundUser[] | undefined): string {
  const { instance = 'default' } = whole.user;
  const lines = [
    ...(instance === 'default' ? [] : [`instance: ${instance}`]),
    ...storyLines(whole).map(lineText),
    ...(atDamoov === undefined ? [] : damoovLines(whole, atDamoov)),
  ];
  return lines.map(onOneLine).join('\n');
}

function lineText({ about, parts }: StoryLine): string {
  const text = parts.map(partText).join('');
  return about === undefined ? text : `${about}: ${text}`;
}

function partText(part: Part): string {
  if (typeof part === 'string') return part;
  return 'userId' in part ? `user ${part.userId}` : `job ${part.jobId}`;
}

function damoovLines(whole: WholeStory, found: readonly FoundUser[]): string[] {
  const differences = differencesOf(whole, found);
  return [
    ...found.map(
      ({ userId, clientId = 'none', instance, status = 'unknown' }) =>
        `at Damoov: user ${userId}, clientId ${clientId}, instance ${instance}, status ${status}`,
    ),
    ...(found.length === 0 ? ['at Damoov: no such user is seen'] : []),
    ...differences.map((difference) => `differs: ${difference}`),
  ];
}

/** Where Damoov and the record disagree. */
function differencesOf({ user, story }: WholeStory, found: readonly FoundUser[]): string[] {
  if (story === undefined) return [];
  const { userId, state } = story.record;
  const same = found.find((one) => userId !== undefined && sameUserId(one.userId, userId));
  const others = found.filter((one) => one !== same && one.instance === user.instance);
  return [
    ...(state === 'live' && same === undefined ? ['the record says that the user lives'] : []),
    ...(state === 'deleted' && same !== undefined ? ['the record says that the user is deleted'] : []),
    ...(same !== undefined && user.clientId !== undefined && same.clientId !== user.clientId
      ? ['the user has another clientId']
      : []),
    ...(same !== undefined && same.instance !== user.instance ? ['the user is in another instance'] : []),
    ...others.map((one) => `user ${one.userId} has the clientId, too`),
  ];
}
