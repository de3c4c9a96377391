/**
 * Looks for a job or a user by one id: by keys that follow from the id, without a scan.
 */
import { isClientId } from '../../../contract/client-id.ts';
import { UserId } from '../../../contract/fields.ts';
import { type NamedUser, type StoryOf, type WholeStory, isHeardOf } from '../../story/whole-story.ts';

export interface SearchSources {
  instances: readonly string[];
  isJob: (jobId: string) => Promise<boolean>;
  story: StoryOf;
}

export interface Found {
  jobIds: string[];
  users: NamedUser[];
}

export async function search({ instances, isJob, story }: SearchSources, id: string): Promise<Found> {
  const [first] = instances;
  const userId = UserId.safeParse(id).data;
  const users: NamedUser[] = [
    ...(isClientId(id) ? instances.map((instance) => ({ clientId: id, instance })) : []),
    // The record of a UserId is the same in every instance.
    ...(userId === undefined || first === undefined ? [] : [{ userId, instance: first }]),
  ];
  const [hasJob, ...stories] = await Promise.all([isJob(id), ...users.map(story)]);
  return { jobIds: hasJob ? [id] : [], users: users.filter((_, at) => isKnown(stories[at])) };
}

function isKnown(whole: WholeStory | undefined): boolean {
  return whole !== undefined && isHeardOf(whole);
}
