/** Replaces `UserJobs` by a double, so that a test of your own needs no Redis. */
import type { AddedJob, UserJobsApi } from 'damoov-user-lifecycle';

async function signUp(users: Pick<UserJobsApi, 'create'>, clientId: string): Promise<string> {
  const { id } = await users.create({ clientId });
  return id;
}

const double: Pick<UserJobsApi, 'create'> = {
  async create({ clientId }): Promise<AddedJob> {
    const data = {
      userId: '3d0d0165-ec19-8bb6-9018-d49217879e0a',
      instance: 'default',
      jobId: '1',
      clientId,
    };
    return { id: '1', result: async () => ({ type: 'user.created', data }) };
  },
};
console.log(await signUp(double, 'customer-4711'));
