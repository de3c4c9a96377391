/**
 * Formats facts for people, for `damoov-users probe` and `doctor`.
 */
import type { FactsFile } from '../../tools/probe/facts.ts';
import { type Assumption, assumptionsOf, settingsOf } from '../../tools/probe/judgement.ts';

/** What a probe does not try, because it would do harm or prove nothing. */
const NOT_ASKED =
  'not probed: how many logins and requests Damoov allows, what it does under load, with a lost connection or with real trips';

export function factsLines({ baseUrl, instance, probedAt, facts }: FactsFile): string[] {
  const { findLagMs, ...answers } = facts;
  const rows = Object.entries(answers).map(([name, { is, seen }]) => row(name, is, seen));
  const lags = Object.entries(findLagMs).map(
    ([what, ms]) => `${what} ${ms === null ? 'not in time' : `${ms} ms`}`,
  );
  return [
    `${baseUrl}, instance ${instance}, ${probedAt}`,
    '',
    'observed',
    ...rows,
    row('findLagMs', lags.join(', '), ''),
    '',
    'assumptions of this product',
    ...assumptionsOf(facts).map((assumption) => `  ${assumptionText(assumption)}`),
    '',
    'settings',
    ...settingsOf(facts).map(({ variable, value, because }) => `  ${variable}=${value}  ${because}`),
    '',
    NOT_ASKED,
  ];
}

function row(name: string, is: string, seen: string): string {
  return `  ${name.padEnd(21)} ${is.padEnd(12)} ${seen}`.trimEnd();
}

function assumptionText({ assumption, holds, otherwise }: Assumption): string {
  if (holds === true) return `holds    ${assumption}`;
  return holds === null ? `unknown  ${assumption}` : `FAILS    ${assumption}: ${otherwise}`;
}
