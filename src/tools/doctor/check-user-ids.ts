/**
 * Checks whether this configuration's UserId settings are those of the workers on the same Redis. Stores nothing.
 */
import type { AgreedSettings } from '../../store/settings/agreed-settings.ts';
import { TODO, type UserIdSetting, differenceTo } from '../../app/user-id-settings.ts';
import { type Finding, finding } from './finding.ts';

/** One line for each instance. */
export function checkUserIds(
  agreed: Pick<AgreedSettings, 'look'>,
  settings: readonly UserIdSetting[],
): Promise<Finding[]> {
  return Promise.all(
    settings.map(async (setting): Promise<Finding> => {
      const check = `user ids ${setting.instance}`;
      const stored = await agreed.look(setting.place);
      if (stored === undefined) return finding(check, 'ok', 'no worker has stored its settings yet');
      const difference = differenceTo(stored, setting);
      if (difference === undefined) return finding(check, 'ok', 'same settings as the workers');
      return finding(check, 'fail', difference, TODO);
    }),
  );
}
