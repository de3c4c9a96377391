/**
 * Compares the facts of a probe with the configuration: settings that do not fit, and assumptions of this product that do not hold.
 */
import type { Config } from '../../config/config.ts';
import { durationText } from '../../contract/duration.ts';
import type { FactsFile } from '../probe/facts.ts';
import { type Setting, assumptionsOf, settingsOf } from '../probe/judgement.ts';
import { type Finding, finding } from './finding.ts';

/** An API may change; after this time it should be probed again. */
const OLD_MS = 180 * 24 * 3_600_000;

export function checkFacts(
  file: FactsFile | undefined,
  { damoov, userId }: Pick<Config, 'damoov' | 'userId'>,
  nowMs: number,
): Finding[] {
  const again = 'run `damoov-users probe` on a test instance';
  if (file === undefined) {
    return [finding('facts', 'warn', 'none: this Damoov was never probed', again)];
  }
  if (damoov === 'sandbox' || normal(file.baseUrl) !== normal(damoov.baseUrl)) {
    const seen = `belong to another address (${file.baseUrl}) and do not count`;
    return [finding('facts', 'warn', seen, again)];
  }
  const ageMs = nowMs - Date.parse(file.probedAt);
  const age = `${durationText(ageMs)} old`;
  return [
    ageMs > OLD_MS ? finding('facts', 'warn', age, again) : finding('facts', 'ok', age),
    ...settingsOf(file.facts).map((setting) => compare(setting, userId.mode)),
    ...assumptionsOf(file.facts)
      .filter(({ holds }) => holds === false)
      .map(({ assumption, otherwise }) =>
        finding('damoov differs', 'warn', `not so: ${assumption}`, otherwise),
      ),
  ];
}

function normal(url: string): string {
  return (URL.parse(url)?.href ?? url).replace(/(?<!\/)\/+$/, '');
}

function compare({ variable, value, because }: Setting, mode: string): Finding {
  if (mode === value) return finding(variable, 'ok', value);
  const todo = `set ${variable}=${value}, and start one worker with --replace-user-id-settings: ${because}`;
  // With an assigned id everything works, but less safely.
  return finding(variable, value === 'assigned' ? 'fail' : 'warn', mode, todo);
}
