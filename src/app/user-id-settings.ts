/**
 * What UserIds and the names of users in Redis follow from, for each instance, and whether it is what the fleet has: a worker with
 * another secret would derive other UserIds, know nothing of the users that are there, and make second ones.
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
  /** Under which the fleet keeps its own: it follows from Damoov's id of the instance. */
  place: string;
  mode: Config['userId']['mode'];
  /** Hash of the secret: each guess at the secret is expensive. */
  fingerprint: string;
  /** Where the secret comes from. */
  variable: string;
  /** It is the InstanceKey, which may be a wrong one until Damoov has accepted it. */
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
  /** Rejects with a ConfigError if the fleet has others; waits while Redis is away. */
  agree(replaces: boolean): Promise<void>;
  /** Looks again whether the fleet has the same. */
  compare(): Promise<void>;
  /** Damoov has accepted this credential: a secret that follows from it may count as the fleet's. */
  accept(circuit: CircuitName): void;
  /** Resolves if the fleet has others. */
  readonly broken: Promise<ConfigError>;
}

export async function createSharedSettings(
  { config }: AppContext,
  { connection }: Redis,
  damoov: DamoovAccess,
): Promise<SharedSettings> {
  const { promise: broken, resolve } = Promise.withResolvers<ConfigError>();
  // The embedded sandbox is this process' own, and its users end with it.
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
 * Compares the settings with those of the fleet, and stores missing ones. Without an answer from Redis nothing is decided: the caller
 * asks again later.
 * @param options `replaces`: the fleet is to have these from now on, whatever it had; `isAccepted`: whether Damoov has accepted the
 *   InstanceKey of an instance: a wrong one that is corrected must not count as the fleet's.
 * @throws ConfigError that names the variable of each that differs.
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

/** What to do if a setting differs from that of the fleet. */
export const TODO =
  'Set it as the other workers have it, or start one worker with --replace-user-id-settings where it is to be another one';

const valueOf = ({ mode, fingerprint }: UserIdSetting) => `${mode} ${fingerprint}`;

/** Names the variable, and no value of a secret; undefined if it does not differ. */
export function differenceTo(held: string, setting: UserIdSetting): string | undefined {
  if (held === valueOf(setting)) return undefined;
  const { mode, variable, instance } = setting;
  const [heldMode = ''] = held.split(' ');
  if (heldMode !== mode) return `DAMOOV_USER_ID: is ${mode} here, and ${heldMode} in the fleet`;
  return `${variable}: UserIds of the instance ${instance} do not derive from it in the fleet`;
}

/** The configured instances by name, each with the secret from which the UserIds and names of its users follow. */
export function instancesOf(
  { instances }: DamoovAccess,
  secret: string | undefined,
): ReadonlyMap<string, Instance> {
  return new Map(
    Object.entries(instances).map(
      ([name, { id, key, userIdSecret }]) =>
        [name, { id, key, secret: userIdSecret ?? secret ?? key }] as const,
    ),
  );
}
