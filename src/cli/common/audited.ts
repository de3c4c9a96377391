/**
 * Writes down what a command is about to change, and who runs it.
 */
import { hostname, userInfo } from 'node:os';
import type { Config } from '../../config/config.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { type Action, type AuditLog, createAuditLog } from '../../store/audit/audit-log.ts';

/** Called right before the change: if it fails, nothing is changed. */
export type Audit = (action: Action) => Promise<void>;

/** Options that are no filter. */
const NO_FILTER = new Set(['yes', 'json', 'reason', 'limit']);

export function auditLogOf(
  connection: RedisConnection,
  { queues: { prefix, audit } }: Pick<Config, 'queues'>,
): AuditLog {
  return createAuditLog({ connection, prefix, queue: audit });
}

export function auditOf(connection: RedisConnection, config: Pick<Config, 'queues'>): Audit {
  const log = auditLogOf(connection, config);
  return (action) => log.record(action, { who: account(), from: 'command' });
}

/** The options by which a command chooses. */
export function filterOf(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !NO_FILTER.has(name)));
}

function account(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // In a container the user may have no name.
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}
