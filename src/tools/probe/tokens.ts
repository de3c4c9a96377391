/**
 * Requests with the token pair of a user: the admin's session is not at risk.
 */
import type { UserTokens } from '../../damoov/client.ts';
import { readTokens, refreshBody } from '../../damoov/wire.ts';
import { type Observation, isSuccess } from './observation.ts';
import type { OwnUsers } from './own-users.ts';

/** The pair in an answer; undefined if it has none. */
export function pairIn(observation: Observation): UserTokens | undefined {
  const tokens = isSuccess(observation) ? readTokens(observation.result) : undefined;
  if (tokens?.refreshToken === undefined) return undefined;
  return { accessToken: tokens.accessToken.token, refreshToken: tokens.refreshToken };
}

export async function refresh(
  own: OwnUsers,
  { accessToken, refreshToken }: UserTokens,
): Promise<Observation> {
  const body = refreshBody(accessToken, refreshToken);
  return own.send({ operation: 'refresh', method: 'POST', path: '/v1/Auth/RefreshToken', body });
}

/** The user reads itself, as the vendor's apps do (seen in code). */
export async function readSelf(own: OwnUsers, { accessToken }: UserTokens): Promise<Observation> {
  const headers = { Authorization: `Bearer ${accessToken}` };
  return own.send({ operation: 'find', method: 'GET', path: '/v1/Management/users', headers });
}
