/**
 * Builds the client of the fleet, for the worker and for every command that calls Damoov: they share the admin's session, the login
 * budget and the rate.
 */
import type { Config, DamoovAccess } from '../config/config.ts';
import { DamoovClient } from '../damoov/client.ts';
import { atMost } from '../damoov/login-budget.ts';
import { type Arrival, type Traffic, atMostInFlight } from '../damoov/traffic.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { Pacer } from '../store/rate/pacer.ts';
import { deriveAdminKey } from '../store/session/admin-key.ts';
import { type FleetLoginBudget, createLoginBudget } from '../store/session/login-budget.ts';
import { createSessionStore } from '../store/session/session-store.ts';

export interface FleetClientOptions {
  /** Holds the state shared by the fleet; the caller closes it. */
  connection: RedisConnection;
  /** Deadline of one request, in milliseconds. */
  timeoutMs: number;
  /** The clock of logins, in epoch milliseconds. Default: the clocks of Redis and this machine. */
  now?: (() => number) | undefined;
  /** Maximum number of logins of this client. Default: the fleet's budget. */
  mostLogins?: number | undefined;
  /** Called with the number of admin sessions that others ended within the hour, if this client met the latest. */
  onRevoked?: ((withinHour: number) => void) | undefined;
  /** Called when a 429 to this client lowered the fleet's rate. */
  onLowered?: ((state: { ratePerS: number; pausedForMs: number }) => void) | undefined;
  /** Called at the end of each request, in the asynchronous context of its caller. */
  onArrival?: ((arrival: Arrival) => void) | undefined;
}

export interface FleetClient {
  client: DamoovClient;
  /** Undefined without an admin, and with an embedded sandbox, which is not shared. */
  logins: FleetLoginBudget | undefined;
  traffic: Pacer;
  /** Fingerprint of the admin's credentials; undefined without an admin. */
  fingerprint: string | undefined;
}

/** The client shares the admin's session, the login budget and the rate with all clients of this prefix. */
export async function openFleetClient(
  config: Config,
  { baseUrl, admin }: DamoovAccess,
  { connection, timeoutMs, now, mostLogins, onRevoked, onLowered, onArrival }: FleetClientOptions,
): Promise<FleetClient> {
  const { prefix } = config.queues;
  const shared = { connection, prefix, now };
  const key = admin && (await deriveAdminKey({ ...admin, baseUrl }, config.keyWork));
  // An embedded sandbox belongs to this process: its sessions and limits end with it.
  const isShared = key !== undefined && config.damoov !== 'sandbox';
  const { loginsPerHour } = config;
  const logins = isShared ? createLoginBudget({ ...shared, ...key, loginsPerHour, onRevoked }) : undefined;
  const traffic = new Pacer({ connection, prefix, maxRps: config.maxRps, onLowered });
  const client = new DamoovClient({
    baseUrl,
    admin,
    timeoutMs,
    connections: config.concurrency,
    now,
    sessionStore: isShared ? createSessionStore({ ...shared, ...key, leaseMs: 3 * timeoutMs }) : undefined,
    loginBudget: logins && mostLogins !== undefined ? atMost(mostLogins, logins) : logins,
    traffic: atMostInFlight(
      config.concurrency,
      onArrival === undefined ? traffic : observed(traffic, onArrival),
    ),
  });
  return { client, logins, traffic, fingerprint: key?.fingerprint };
}

function observed(traffic: Traffic, onArrival: (arrival: Arrival) => void): Traffic {
  return {
    admit: (departure) => traffic.admit(departure),
    answered(arrival) {
      traffic.answered(arrival);
      onArrival(arrival);
    },
  };
}
