/**
 * The parts of one sandbox: its credentials, users, sessions and modes. Everything is in memory and ends with the sandbox.
 */
import { SANDBOX_CREDENTIALS } from './credentials.ts';
import { Faults } from './faults.ts';
import { LoginBar } from './limits.ts';
import { DEFAULT_MODES, type SandboxModes, changeModes } from './modes.ts';
import { RequestLog } from './request-log.ts';
import { ADMIN, Sessions } from './sessions.ts';
import { Users } from './users.ts';

export interface WorldOptions {
  /** The instances that exist. Default: the one of `SANDBOX_CREDENTIALS`. */
  readonly instances?: readonly { readonly id: string; readonly key: string }[];
  readonly adminEmail?: string;
  readonly adminPassword?: string;
  /** Differences from the defaults; a reset returns to them. */
  readonly modes?: Partial<SandboxModes>;
  /** The time in epoch milliseconds. Default `Date.now`. Latency always uses real time. */
  readonly clock?: () => number;
}

export interface World {
  readonly clock: () => number;
  /** The key by the instance's id in lower case. */
  readonly instances: ReadonlyMap<string, string>;
  readonly admin: { readonly email: string; readonly password: string };
  readonly users: Users;
  readonly sessions: Sessions;
  readonly logins: LoginBar;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly initialModes: SandboxModes;
  modes: SandboxModes;
}

/** Throws a RangeError that names every bad mode. */
export function createWorld(options: WorldOptions): World {
  const { instanceId: id, instanceKey: key, adminEmail, adminPassword } = SANDBOX_CREDENTIALS;
  const instances = options.instances ?? [{ id, key }];
  const change = changeModes(DEFAULT_MODES, options.modes ?? {});
  if (!change.ok) throw new RangeError(`Bad sandbox modes: ${change.faults.join('; ')}`);
  return {
    clock: options.clock ?? Date.now,
    instances: new Map(instances.map((instance) => [instance.id.toLowerCase(), instance.key])),
    admin: { email: options.adminEmail ?? adminEmail, password: options.adminPassword ?? adminPassword },
    users: new Users(),
    sessions: new Sessions(),
    logins: new LoginBar(),
    faults: new Faults(change.modes.seed),
    log: new RequestLog(),
    initialModes: change.modes,
    modes: change.modes,
  };
}

/**
 * Forgets users, counts, the request log, the bar on logins and every change of the modes. The admin's session
 * survives: a reset must not cost the running clients a login.
 */
export function resetWorld(world: World): void {
  world.users.clear();
  world.sessions.forget((holder) => holder !== ADMIN);
  world.logins.clear();
  world.log.clear();
  world.modes = world.initialModes;
  world.faults.clear(world.modes.seed);
}
