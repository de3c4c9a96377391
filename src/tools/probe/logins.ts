/**
 * Probes whether a login ends the earlier session of its account, with a user of the probe: the admin's session is not at risk. Each
 * login costs one of the budget.
 */
import type { UserTokens } from '../../damoov/client.ts';
import { DamoovError } from '../../damoov/errors.ts';
import type { Facts } from './facts.ts';
import { type Observation, answerText, isNoAnswer, isSuccess, notKnown } from './observation.ts';
import type { OwnUsers } from './own-users.ts';
import { pairIn, readSelf, refresh } from './tokens.ts';

type LoginFact = Facts['loginRevokes'];

/** One, if it ends the session of the create. Else another one: the session of a login may be of another kind. */
export const MOST_LOGINS = 2;
/** Time that Damoov gets to end a session, in milliseconds. */
const SETTLE_MS = 2000;

export async function probeLogins(
  own: OwnUsers,
  triesLogins: boolean,
  patienceMs: number,
): Promise<LoginFact> {
  if (!triesLogins) return { is: 'not-tried', seen: 'only with --try-logins' };
  const made = await own.create({ clientId: `${own.mark}-9`, firstName: 'Probe', createAccessToken: true });
  if (made.token === undefined) return notKnown(`no user can be created: ${answerText(made)}`);
  const userId = made.token.toLowerCase();
  const sight = await own.lookUntil({ deviceToken: userId }, (users) => users.length > 0, patienceMs);
  if (sight === undefined) return notKnown('no look-up showed the user in time');
  let earlier = await renew(own, pairIn(made));
  for (let logins = 1; ; logins += 1) {
    const wasAccepted = earlier !== undefined && isSuccess(await readSelf(own, earlier));
    const later = await logIn(own, userId);
    if ('is' in later) return later;
    const fact = earlier && (await compare(own, { earlier, later, wasAccepted }));
    if (fact !== undefined && (fact.is === 'yes' || logins === MOST_LOGINS)) return fact;
    earlier = await renew(own, later);
    if (earlier === undefined) return notKnown('the session of a login cannot be refreshed');
  }
}

/** Undefined if it cannot be refreshed: then a refusal after a login would prove nothing. */
async function renew(own: OwnUsers, pair: UserTokens | undefined): Promise<UserTokens | undefined> {
  return pair && pairIn(await refresh(own, pair));
}

async function logIn(own: OwnUsers, userId: string): Promise<UserTokens | LoginFact> {
  try {
    const { accessToken, refreshToken } = await own.logIn(userId);
    return refreshToken === undefined
      ? notKnown('a login returned no refresh token')
      : { accessToken, refreshToken };
  } catch (error) {
    if (!(error instanceof DamoovError) || isNoAnswer(error)) throw error;
    if (error.kind !== 'login-barred')
      return notKnown(`a login of a user is answered ${error.status ?? error.kind}`);
    return notKnown(error.wasSent ? 'logins are barred' : 'the login budget is used up');
  }
}

interface Sessions {
  earlier: UserTokens;
  later: UserTokens;
  /** Whether Damoov accepted the earlier access token before the login. */
  wasAccepted: boolean;
}

/** Compares what Damoov accepts of both sessions. The refresh comes last, because it ends an access token, too. */
async function compare(own: OwnUsers, { earlier, later, wasAccepted }: Sessions): Promise<LoginFact> {
  await own.pause(SETTLE_MS);
  const access = await readSelf(own, earlier);
  if (wasAccepted && access.status === 401 && isSuccess(await readSelf(own, later))) {
    return { is: 'yes', seen: 'the earlier access token is refused with 401' };
  }
  const renewed = await refresh(own, earlier);
  if (pairIn(renewed) !== undefined) return { is: 'no', seen: 'the earlier refresh token still works' };
  const seen = `the earlier refresh token is answered ${answerText(renewed)}`;
  return isRefusal(renewed) ? { is: 'yes', seen } : notKnown(seen);
}

/** Sources disagree about the answer to an invalid refresh token: any 4xx counts, and a success without tokens. */
function isRefusal({ status }: Observation): boolean {
  return status < 500;
}
