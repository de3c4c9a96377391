/**
 * What a probe has seen of this Damoov, against the configuration: a setting that does not fit, and whatever the product relies on
 * and does not get.
 */
import type { Config } from '../../config/config.ts';
import type { FactsFile } from '../probe/facts.ts';
import { assumptionsOf, settingsOf } from '../probe/judgement.ts';
import { durationText } from '../../contract/duration.ts';
import type { Finding } from './finding.ts';

/** An API may change; after so long it is worth another look. */
const OLD_MS = 180 * 24 * 3_600_000;

export function lookAtFacts(
  file: FactsFile | undefined,
  { damoov, userId }: Pick<Config, 'damoov' | 'userId'>,
  nowMs: number,
): Finding[] {
  const check = 'facts';
  const again = 'run `damoov-users probe` on a test instance';
  if (file === undefined) {
    return [{ check, is: 'warn', seen: 'none: nobody has probed how this Damoov behaves', todo: again }];
  }
  if (!isOf(file, damoov)) {
    return [
      { check, is: 'warn', seen: `are of another address (${file.baseUrl}), and do not count`, todo: again },
    ];
  }
  const ageMs = nowMs - Date.parse(file.probedAt);
  const told = { check, seen: `${durationText(ageMs)} old` };
  return [
    ageMs > OLD_MS ? { ...told, is: 'warn', todo: again } : { ...told, is: 'ok' },
    ...settingsOf(file.facts).map(({ variable, value, because }) =>
      setting(variable, value, because, userId.mode),
    ),
    ...assumptionsOf(file.facts).flatMap(({ assumption, holds, otherwise }): Finding[] =>
      holds === false
        ? [{ check: 'damoov differs', is: 'warn', seen: `not so: ${assumption}`, todo: otherwise }]
        : [],
    ),
  ];
}

/** Facts of another address say nothing of this one. */
export function isOf({ baseUrl }: FactsFile, damoov: Config['damoov']): boolean {
  return damoov !== 'sandbox' && normal(baseUrl) === normal(damoov.baseUrl);
}

function normal(url: string): string {
  return (URL.parse(url)?.href ?? url).replace(/(?<!\/)\/+$/, '');
}

function setting(variable: string, value: string, because: string, mode: string): Finding {
  if (mode === value) return { check: variable, is: 'ok', seen: value };
  const todo = `set ${variable}=${value}, and start one worker with --replace-user-id-settings: ${because}`;
  // With an id that Damoov assigns all works, if less surely.
  return { check: variable, is: value === 'assigned' ? 'fail' : 'warn', seen: mode, todo };
}
