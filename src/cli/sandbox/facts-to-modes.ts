/**
 * Makes the sandbox behave as a probe has seen Damoov behave. Sandbox and client share nothing, so the translation lies here.
 */
import type { Facts } from '../../tools/probe/facts.ts';
import type { SandboxModes } from '../../sandbox/modes.ts';

export interface FollowedFacts {
  /** What a probe could not tell is left out. */
  modes: Partial<SandboxModes>;
  /** Facts for which the sandbox has no mode: there it stays as it is. */
  without: string[];
}

export function modesOf(facts: Facts): FollowedFacts {
  const duplicateToken = oneOf(facts.repeatedToken.is, ['same', '409', '422', '400', 'second-user']);
  const tokenCasing = oneOf(facts.tokenCasing.is, ['lower', 'upper', 'as-given']);
  const clientIdForm = oneOf(facts.clientIdForm.is, ['exact', 'trim', 'nfc', 'lower']);
  const duplicateClientId = oneOf(facts.duplicateClientId.is, ['allowed', '409', '422', '400']);
  const unknownDelete = oneOf(facts.unknownDelete.is, ['404', '403', '200-null']);
  const badKey = oneOf(facts.wrongKey.is, ['401', '403', '404', '422', '200-empty']);
  const refused = facts.badRefresh.is === '419' ? '419-envelope' : facts.badRefresh.is;
  const badRefresh = oneOf(refused, ['401', '400', '419-envelope']);
  const nullDoes = oneOf(facts.nullInProfile.is, ['clears', 'ignored', '422']);
  const emptyDoes = oneOf(facts.emptyInProfile.is, ['kept', 'clears', 'ignored', '422']);
  return {
    modes: {
      findLagMs: Math.max(...Object.values(facts.findLagMs).map((ms) => ms ?? 0)),
      ...(facts.customToken.is === 'ignored' && { ignoreCustomToken: true }),
      ...(facts.deletedToken.is === 'free' && { deletedToken: 'free' }),
      ...(duplicateToken && { duplicateToken }),
      ...(tokenCasing && { tokenCasing }),
      ...(clientIdForm && { clientIdForm }),
      ...(duplicateClientId && { duplicateClientId }),
      ...(unknownDelete && { unknownDelete }),
      ...(badKey && { badKey }),
      ...(badRefresh && { badRefresh }),
      ...((nullDoes ?? emptyDoes) && {
        clearing: { null: nullDoes ?? 'clears', empty: emptyDoes ?? 'kept' },
      }),
    },
    without: [
      ...unless(duplicateToken, 'repeatedToken', facts),
      ...unless(clientIdForm, 'clientIdForm', facts),
      ...unless(duplicateClientId, 'duplicateClientId', facts),
      ...unless(unknownDelete, 'unknownDelete', facts),
      ...unless(badKey, 'wrongKey', facts),
      ...unless(badRefresh, 'badRefresh', facts),
      ...unless(nullDoes, 'nullInProfile', facts),
      ...unless(emptyDoes, 'emptyInProfile', facts),
      ...differing(facts),
    ],
  };
}

function oneOf<const Value extends string>(is: string, values: readonly Value[]): Value | undefined {
  return values.find((value) => value === is);
}

type FactName = Exclude<keyof Facts, 'findLagMs'>;

function unless(mode: string | undefined, name: FactName, facts: Facts): string[] {
  const { is } = facts[name];
  return mode !== undefined || UNTOLD.has(is) ? [] : [`${name}: ${is}`];
}

const UNTOLD: ReadonlySet<string> = new Set(['unknown', 'not-tried']);

/** Where the sandbox has one mode for what Damoov does in two ways. */
function differing(facts: Facts): string[] {
  const { deletedToken, nullInProfile, nullInClientId, repeatedDelete } = facts;
  // Under a taken token the sandbox answers as for a user who is there.
  const taken = deletedToken.is === 'ghost' ? 'same' : deletedToken.is;
  const is = (one: string, other: string) => one === other || UNTOLD.has(one) || UNTOLD.has(other);
  return [
    taken === 'free' || is(taken, facts.repeatedToken.is) ? [] : `deletedToken: ${deletedToken.is}`,
    is(nullInClientId.is, nullInProfile.is) ? [] : `nullInClientId: ${nullInClientId.is}`,
    is(repeatedDelete.is, facts.unknownDelete.is) ? [] : `repeatedDelete: ${repeatedDelete.is}`,
    facts.customToken.is === 'refused' ? 'customToken: refused' : [],
  ].flat();
}
