/**
 * The entry `damoov-user-lifecycle/damoov`: the client of the Damoov user API alone, with no queue and no Redis.
 */
export type { DamoovClientOptions } from './client-options.ts';
export type { DamoovInstance } from './calls.ts';
export { DamoovClient, type CallOptions, type UserTokens } from './client.ts';
export { DamoovError, type DamoovErrorKind, type DamoovOperation } from './errors.ts';
export type { LoginBudget } from './login-budget.ts';
export type { SessionStore, TokenPair } from './session-store.ts';
export type { Traffic } from './traffic.ts';
export {
  sameUserId,
  type Acknowledgement,
  type CreatedUser,
  type DamoovUser,
  type NewUser,
  type PageQuery,
  type UserFilter,
  type UserPage,
  type UserQuery,
} from './wire.ts';
export type { UserChanges, UserSettings } from './user-fields.ts';
