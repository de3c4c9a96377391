/**
 * The settings from which UserIds and the names of users in Redis are derived, for each instance, and whether they match the fleet's. A
 * worker with another secret would derive other UserIds, not find the existing users and create second ones.
 */
import { createHash } from 'node:crypto';
import { type Config, ConfigError, type DamoovAccess } from '../config/config.ts';
import type { Instance } from '../operations/context.ts';
import { type CircuitName, circuitName } from '../lifecycle/ports/circuits.ts';
import { type AgreedSettings, createAgreedSettings } from '../store/settings/agreed-settings.ts';
import { slowHash } from '../store/session/slow-hash.ts';
import type { AppContext } from './app-context.ts';
import type { Redis } from './open-redis.ts';

export interface UserIdSetting {
  /** Our name of the instance. */
  instance: string;
  /** Key of the fleet's setting; it is derived from Damoov's InstanceId. */
  place: string;
  mode: Config['userId']['mode'];
  /** Hash of the secret; made slow, so that guessing is expensive. */
  fingerprint: string;
  /** The variable that holds the secret. */
  variable: string;
  /** The secret is the InstanceKey, which may be wrong until Damoov accepts it. */
  isInstanceKey: boolean;
}

const FINGERPRINT_BYTES = 12;

export function userIdSettingsOf(
  { userId: { mode, secret: common }, keyWork }: Pick<Config, 'userId' | 'keyWork'>,
  { instances }: DamoovAccess,
): Promise<UserIdSetting[]> {
  return Promise.all(
    Object.entries(instances).map(async ([instance, { id, key, userIdSecret }]) => {
      const salt = JSON.stringify(['damoov-user-ids', id.toLowerCase()]);
      const fingerprint = await slowHash(userIdSecret ?? common ?? key, salt, FINGERPRINT_BYTES, keyWork);
      return {
        instance,
        place: createHash('sha256').update(salt).digest('base64url').slice(0, 16),
        mode,
        fingerprint: fingerprint.toString('base64url'),
        variable: variableOf(instance, userIdSecret, common),
        isInstanceKey: (userIdSecret ?? common) === undefined,
      };
    }),
  );
}

function variableOf(instance: string, own: string | undefined, common: string | undefined): string {
  if (own !== undefined) return `DAMOOV_INSTANCES_FILE (userIdSecret of ${instance})`;
  if (common !== undefined) return 'DAMOOV_USER_ID_SECRET';
  const key = instance === 'default' ? 'DAMOOV_INSTANCE_KEY' : `DAMOOV_INSTANCES_FILE (key of ${instance})`;
  return `${key}, as DAMOOV_USER_ID_SECRET is not set`;
}

export interface SharedSettings {
  /** Rejects with a ConfigError if the fleet has other settings; waits while Redis is away. */
  agree(replaces: boolean): Promise<void>;
  /** Compares the settings with the fleet's again. */
  compare(): Promise<void>;
  /** Damoov accepted this credential: a secret derived from it may become the fleet's. */
  accept(circuit: CircuitName): void;
  /** Resolves if the fleet has other settings. */
  readonly broken: Promise<ConfigError>;
}

export async function createSharedSettings(
  { config }: AppContext,
  { connection }: Redis,
  damoov: DamoovAccess,
): Promise<SharedSettings> {
  const { promise: broken, resolve } = Promise.withResolvers<ConfigError>();
  // The embedded sandbox belongs to this process, and its users end with it.
  const settings = config.damoov === 'sandbox' ? [] : await userIdSettingsOf(config, damoov);
  const fleet = createAgreedSettings(connection, config.queues.prefix);
  const accepted = new Set<CircuitName>();
  const isAccepted = (instance: string) => accepted.has(circuitName('instance-key', instance));
  const compare = () => agreeOnUserIds(fleet, settings, { isAccepted }).catch(resolve);
  let hasBegun = false;
  return {
    broken,
    compare,
    agree(replaces) {
      hasBegun = true;
      const agreed = agreeOnUserIds(fleet, settings, { isAccepted, replaces });
      agreed.catch(resolve);
      return agreed;
    },
    accept(circuit) {
      if (accepted.has(circuit)) return;
      accepted.add(circuit);
      if (hasBegun) void compare();
    },
  };
}

/**
 * Compares the settings with those of the fleet, and stores missing ones. Without an answer from Redis it decides nothing: the caller
 * tries again later.
 * @param options `replaces`: these settings replace the fleet's; `isAccepted`: whether Damoov accepted the InstanceKey of an instance: a
 * wrong key must not become the fleet's.
 * @throws ConfigError that names the variable of each differing setting.
 */
async function agreeOnUserIds(
  agreed: Pick<AgreedSettings, 'agree'>,
  settings: readonly UserIdSetting[],
  { replaces = false, isAccepted }: { replaces?: boolean; isAccepted: (instance: string) => boolean },
): Promise<void> {
  const faults = new Set<string>();
  for (const setting of settings) {
    const isCertain = !setting.isInstanceKey || isAccepted(setting.instance);
    const how = replaces ? 'replaces' : isCertain ? 'claims' : 'compares';
    const agreeing = agreed.agree(setting.place, valueOf(setting), how);
    const held = await agreeing.catch(() => undefined);
    if (held !== undefined) faults.add(`${differenceTo(held, setting)}. ${TODO}`);
  }
  if (faults.size > 0) throw new ConfigError([...faults]);
}

/** What to do if a setting differs from the fleet's. */
export const TODO =
  'Use the value of the other workers, or start one worker with --replace-user-id-settings to replace it';

const valueOf = ({ mode, fingerprint }: UserIdSetting) => `${mode} ${fingerprint}`;

/** Names the variable, never a secret; undefined if the setting does not differ. */
export function differenceTo(held: string, setting: UserIdSetting): string | undefined {
  if (held === valueOf(setting)) return undefined;
  const { mode, variable, instance } = setting;
  const [heldMode = ''] = held.split(' ');
  if (heldMode !== mode) return `DAMOOV_USER_ID: is ${mode} here, and ${heldMode} in the fleet`;
  return `${variable}: UserIds of the instance ${instance} do not derive from it in the fleet`;
}

/** The configured instances by name, each with the secret from which its UserIds and names of users are derived. */
export function instancesOf(
  { instances }: Pick<DamoovAccess, 'instances'>,
  secret: string | undefined,
): ReadonlyMap<string, Instance> {
  return new Map(
    Object.entries(instances).map(
      ([name, { id, key, userIdSecret }]) =>
        [name, { id, key, secret: userIdSecret ?? secret ?? key }] as const,
    ),
  );
}
