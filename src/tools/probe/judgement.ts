/**
 * Judges the facts: which assumptions of this product hold, what follows if one does not, and which settings fit. Readers of a facts file
 * judge it again with this.
 */
import type { Facts } from './facts.ts';

/** Whether an assumption of this product holds; null: unknown. */
export interface Assumption {
  assumption: string;
  holds: boolean | null;
  otherwise: string;
}

export interface Setting {
  variable: string;
  value: string;
  because: string;
}

type Rule = {
  assumption: string;
  /** Undefined: the facts do not show it. */
  holds: (facts: Facts) => boolean | undefined;
  otherwise: string | ((facts: Facts) => string);
};

/** Every assumption, the most costly first. */
export function assumptionsOf(facts: Facts): Assumption[] {
  return RULES.map(({ assumption, holds, otherwise }) => ({
    assumption,
    holds: holds(facts) ?? null,
    otherwise: typeof otherwise === 'string' ? otherwise : otherwise(facts),
  }));
}

export function settingsOf({ customToken: { is } }: Facts): Setting[] {
  if (is === 'unknown') return [];
  const variable = 'DAMOOV_USER_ID';
  if (is === 'honoured') {
    const because = 'Damoov takes the UserId that we choose: a create can be looked up by it';
    return [{ variable, value: 'derived', because }];
  }
  const because = `the UserId that we choose is ${is}: with derived every sign-up would fail`;
  return [{ variable, value: 'assigned', because }];
}

/** How long a look-up may lag behind a create, as the worker assumes: 15 minutes. */
const LAG_MS = 15 * 60_000;

const RULES: readonly Rule[] = [
  {
    assumption: 'the UserId is the one that we choose',
    holds: ({ customToken }) => isOneOf(customToken.is, ['honoured']),
    otherwise: 'set DAMOOV_USER_ID=assigned; a create without an answer may then end as outcome-unknown',
  },
  {
    assumption: 'a create under an id that is taken makes no second user',
    holds: ({ repeatedToken }) => isOneOf(repeatedToken.is, ['same', '409', '422', '400']),
    otherwise: ({ repeatedToken }) =>
      repeatedToken.is === 'second-user'
        ? 'a create that is sent again ends as unexpected-user-id and leaves a second user; the worker looks first, so give it an admin account'
        : 'the worker takes this answer for something else than an id that is taken',
  },
  {
    assumption: 'the id of a deleted user is free, or refused as a conflict',
    holds: ({ deletedToken }) => isOneOf(deletedToken.is, ['free', '409']),
    otherwise:
      'somebody who signs up again later than 30 days after their deletion may not get a user: give such sign-ups another clientId',
  },
  {
    assumption: 'a look-up shows a write within 15 minutes, and a deleted user no more',
    holds: ({ findLagMs }) => {
      const lags = Object.values(findLagMs);
      return lags.includes(null) ? undefined : lags.every((ms) => ms !== null && ms <= LAG_MS);
    },
    otherwise: 'unanswered creates and deletions may be taken for ones that had no effect',
  },
  {
    assumption: 'a look-up finds a UserId in lower case',
    holds: ({ tokenCasing, findIgnoresCase }) =>
      findIgnoresCase.is === 'yes' || (findIgnoresCase.is === 'no' ? tokenCasing.is === 'lower' : undefined),
    otherwise: 'users of other systems whose ids are in upper case are not found',
  },
  {
    assumption: 'null in an update clears a field',
    holds: ({ nullInProfile, nullInClientId }) =>
      allOf(isOneOf(nullInProfile.is, ['clears', 'kept']), isOneOf(nullInClientId.is, ['clears', 'kept'])),
    otherwise: ({ emptyInProfile }) =>
      isOneOf(emptyInProfile.is, ['clears', 'kept']) === true
        ? 'an update with null changes nothing; producers can send "" instead'
        : 'an update can clear no field',
  },
  {
    assumption: 'an update of an unknown user is a 404',
    holds: ({ unknownUpdate }) => isOneOf(unknownUpdate.is, ['404']),
    otherwise: 'an update of a user that others have deleted is not reported as user-not-found',
  },
  {
    assumption: 'a deletion of an unknown user is a 404, a 403 or a success',
    holds: ({ unknownDelete, repeatedDelete }) =>
      allOf(isOneOf(unknownDelete.is, NO_USER), isOneOf(repeatedDelete.is, NO_USER)),
    otherwise: 'a deletion that is sent again fails instead of ending as user.deleted',
  },
  {
    assumption: 'an invalid refresh token gets a 4xx',
    holds: ({ badRefresh }) => isOneOf(badRefresh.is, [...REFUSALS, '419', '200-empty', '200-null', '200']),
    otherwise: 'the session is not renewed by a login after its refresh token was lost',
  },
  {
    assumption: 'several users may have one ClientId, email or phone',
    holds: ({ duplicateClientId, duplicateContact }) =>
      allOf(isOneOf(duplicateClientId.is, ['allowed']), isOneOf(duplicateContact.is, ['allowed'])),
    otherwise: 'a sign-up with values of another user ends as rejected',
  },
  {
    assumption: 'a create takes every field that a worker sends with it',
    holds: ({ createIgnores: { is } }) =>
      is === 'needed' ? false : ['nothing', 'later'].includes(is) || undefined,
    otherwise: ({ createIgnores: { seen } }) =>
      `a sign-up loses fields (${seen}): send an update-user after it`,
  },
  {
    assumption: 'a login of an account leaves its earlier sessions valid',
    holds: ({ loginRevokes: { is } }) => (is === 'not-tried' ? undefined : isOneOf(is, ['no'])),
    otherwise:
      'each login of another program as the admin ends the session of the workers: give them an account of their own',
  },
  {
    // Jobs refuse a clientId with blanks at its ends or a decomposed letter.
    assumption: 'a ClientId that a job may name is kept unchanged',
    holds: ({ clientIdForm }) => isOneOf(clientIdForm.is, ['exact', 'trim', 'nfc', ...REFUSALS]),
    otherwise:
      'clientIds that differ only in capitals are the same at Damoov: write all of them in lower case',
  },
  {
    assumption: 'a look-up shows the instance of a user',
    holds: ({ instanceTold }) => isOneOf(instanceTold.is, ['yes']),
    otherwise: 'with several instances under one admin account a clientId must not occur in two of them',
  },
  {
    assumption: 'a look-up shows settings and status as they were written',
    holds: ({ settingsShown, statusShown }) =>
      allOf(isOneOf(settingsShown.is, ['yes']), isOneOf(statusShown.is, ['yes'])),
    otherwise:
      'a sign-up of an existing user with settings always sends an update; readers of the status see none',
  },
  {
    // After such a refusal the worker looks where the user is.
    assumption: 'a move that is sent again succeeds, or is refused with 400, 404, 409 or 422',
    holds: ({ repeatedMove: { is } }) =>
      is === 'not-tried'
        ? undefined
        : isOneOf(is, ['200', '200-null', '200-empty', '400', '404', '409', '422']),
    otherwise: 'a move whose answer was lost may end as failed although it was carried out',
  },
  {
    assumption: 'a wrong InstanceKey creates no user and is recognised',
    holds: ({ wrongKey }) =>
      wrongKey.is === 'not-tried' ? undefined : isOneOf(wrongKey.is, [...REFUSALS, '200-empty', '200-null']),
    otherwise: 'creates with a wrong key are tried again, or fail, instead of waiting for the right one',
  },
];

const REFUSALS: readonly string[] = ['400', '401', '403', '404', '422'];
const NO_USER: readonly string[] = ['404', '403', '200', '200-null', '200-empty'];

function isOneOf(is: string, values: readonly string[]): boolean | undefined {
  return is === 'unknown' ? undefined : values.includes(is);
}

/** False if one is false, whatever the others are. */
function allOf(...holding: readonly (boolean | undefined)[]): boolean | undefined {
  if (holding.includes(false)) return false;
  return holding.includes(undefined) ? undefined : true;
}
