/**
 * `damoov-users audit list`: shows what operators have changed, and goes on showing it with `--follow`.
 */
import type { AuditEntry } from '../../store/audit/audit-log.ts';
import { auditLogOf } from '../common/audited.ts';
import type { CommandContext } from '../common/command-context.ts';
import { withRedis } from '../common/with-redis.ts';
import { outputOf } from '../terminal/output.ts';
import { jsonLine, onOneLine } from '../terminal/text.ts';
import { untilStopped } from '../terminal/until-stopped.ts';

export interface AuditOptions {
  /** How many are shown; 0 for all. */
  last: number;
  follow?: boolean;
  json?: boolean;
}

const LOOK_MS = 1000;

export async function listActions(
  { last, follow = false, json = false }: AuditOptions,
  context: CommandContext,
): Promise<void> {
  const out = outputOf(context.stdout);
  await withRedis(context, async (connection, config) => {
    const log = auditLogOf(connection, config);
    const stopped = new AbortController();
    void untilStopped(context).then(() => stopped.abort());
    let after: string | undefined;
    let entries = await log.read(last === 0 ? {} : { last });
    if (entries.length === 0 && !follow && !json)
      await out.line('No action is recorded; each is kept for a year.');
    for (;;) {
      for (const entry of entries) if (!(await out.line(json ? jsonLine(entry) : actionText(entry)))) return;
      after = entries.at(-1)?.id ?? after;
      if (!follow || stopped.signal.aborted) return;
      await context.clock.pause(LOOK_MS, stopped.signal).catch(() => {});
      entries = await log.read(after === undefined ? {} : { after });
    }
  });
}

function actionText({ at, who, from, address = '', what, count, filter, reason }: AuditEntry): string {
  const chosen = Object.entries(filter).map(([name, value]) => `${name}=${String(value)}`);
  const why = reason === undefined ? [] : [`"${reason}"`];
  const shown = [
    new Date(at).toISOString(),
    who,
    `${from} ${address}`.trim(),
    what,
    String(count),
    ...chosen,
    ...why,
  ];
  return shown.map(onOneLine).join('  ');
}
