/**
 * The sandbox as a benchmark uses it: empty, and as slow as it is told; and a sign-up as somebody sends it who has nothing but an
 * HTTP client.
 */
import { request } from 'undici';

export interface Access {
  readonly baseUrl: string;
  readonly instanceId: string;
  readonly instanceKey: string;
}

/** A sign-up, as the jobs of the benchmark say it. */
export interface SignUp {
  readonly clientId: string;
  readonly profile: { firstName: string; lastName: string; email: string; phone: string };
}

export function signUpFor(clientId: string): SignUp {
  return {
    clientId,
    profile: { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.test', phone: '+442079460000' },
  };
}

/** One request, and no more; answers the UserId. */
export async function createUser(
  { baseUrl, instanceId, instanceKey }: Access,
  { clientId, profile }: SignUp,
): Promise<string> {
  const { statusCode, body } = await request(`${baseUrl}/v1/Registration/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', InstanceId: instanceId, InstanceKey: instanceKey },
    body: JSON.stringify({
      CreateAccessToken: false,
      FirstName: profile.firstName,
      LastName: profile.lastName,
      Email: profile.email,
      Phone: profile.phone,
      UserFields: { ClientId: clientId },
    }),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the least of clients does
  const answer = (await body.json()) as { Result: { DeviceToken: string } };
  if (statusCode !== 200) throw new Error(`Damoov answered ${statusCode}`);
  return answer.Result.DeviceToken;
}

/** Forgets all users, and answers after so many milliseconds from now on. */
export async function slowDown(sandboxUrl: string, latencyMs: number): Promise<void> {
  await control(sandboxUrl, 'POST', 'reset');
  await control(sandboxUrl, 'PATCH', 'modes', { latencyMs });
}

/** As the titles of the figures say it. */
export function answersAfter(latencyMs: number): string {
  return latencyMs === 0 ? 'Damoov answers at once' : `Damoov answers after ${latencyMs} ms`;
}

async function control(sandboxUrl: string, method: string, path: string, body?: object): Promise<void> {
  const response = await fetch(`${sandboxUrl}/_sandbox/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
}
