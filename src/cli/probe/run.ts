/**
 * `damoov-users probe`: finds out on a test instance what Damoov's documentation leaves open, and writes the facts file.
 */
import { constants, accessSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DamoovAccess } from '../../config/config.ts';
import { openFleetClient } from '../../app/fleet-client.ts';
import type { Facts, FactsFile } from '../../tools/probe/facts.ts';
import type { Leftovers } from '../../tools/probe/own-users.ts';
import { MOST_LOGINS } from '../../tools/probe/logins.ts';
import { type ProbeEnd, probe } from '../../tools/probe/probe.ts';
import { assumptionsOf, settingsOf } from '../../tools/probe/judgement.ts';
import type { CommandContext } from '../common/command-context.ts';
import { writeFactsFile } from '../common/facts-file.ts';
import { type Output, outputOf } from '../terminal/output.ts';
import { factsLines } from './report.ts';
import { UsageError } from '../common/usage-error.ts';
import { withRedis } from '../common/with-redis.ts';

export interface ProbeCommandOptions {
  instance: string;
  yesThisInstanceIsDisposable?: boolean;
  secondInstance?: string;
  tryWrongKey?: boolean;
  tryLogins?: boolean;
  evenWithUsers?: number;
  /** Milliseconds. */
  patience: number;
  out: string;
  json?: boolean;
}

/** False if it got no facts or left users behind. */
export async function runProbe(options: ProbeCommandOptions, context: CommandContext): Promise<boolean> {
  const { instance, secondInstance, patience, out: file, json = false } = options;
  if (options.yesThisInstanceIsDisposable !== true) {
    throw new UsageError(
      `nothing was sent: a probe creates users and deletes them again, so it needs a test instance. ` +
        `If ${instance} is one, add --yes-this-instance-is-disposable`,
    );
  }
  requireWritable(file);
  const out = outputOf(context.stdout);
  return withRedis(context, async (connection, config) => {
    const access = accessOf(config.damoov);
    const credentials = instanceOf(access, '--instance', instance);
    const second =
      secondInstance === undefined ? undefined : instanceOf(access, '--second-instance', secondInstance);
    if (second?.id.toLowerCase() === credentials.id.toLowerCase()) {
      throw new UsageError('--second-instance: is the same instance');
    }
    const stops = stopsOnSignals(context);
    const { timeoutMs } = config;
    const triesLogins = options.tryLogins === true;
    // One of the admin.
    const mostLogins = 1 + (triesLogins ? MOST_LOGINS : 0);
    const { client } = await openFleetClient(config, access, { connection, timeoutMs, mostLogins });
    try {
      const end = await probe({
        client,
        instance: credentials,
        secondInstance: second,
        triesLogins,
        triesWrongKey: options.tryWrongKey === true,
        mostUsers: options.evenWithUsers,
        patienceMs: patience,
        clock: context.clock,
        onStep: (step) => context.stderr.write(`${step}\n`),
        ...stops,
      });
      const facts = end.facts && factsFile(end.facts, access.baseUrl, instance);
      if (facts !== undefined) writeFactsFile(file, facts);
      await print({ out, stderr: context.stderr, json, file, facts, end });
      return facts !== undefined && end.failure === undefined && isClean(end.leftovers);
    } finally {
      await client.close();
    }
  });
}

/** @throws UsageError */
function accessOf(damoov: 'sandbox' | DamoovAccess): DamoovAccess {
  if (damoov === 'sandbox') {
    throw new UsageError('no Damoov is configured: set DAMOOV_INSTANCE_ID and DAMOOV_INSTANCE_KEY');
  }
  if (damoov.admin === undefined) {
    throw new UsageError(
      'a probe deletes the users it created: set DAMOOV_ADMIN_EMAIL and DAMOOV_ADMIN_PASSWORD',
    );
  }
  return damoov;
}

/** @throws UsageError */
function instanceOf({ instances }: DamoovAccess, option: string, name: string) {
  const credentials = instances[name];
  if (credentials !== undefined) return credentials;
  const known = Object.keys(instances).join(', ');
  throw new UsageError(`${option}: there is no such instance (known: ${known})`);
}

/** Checked before users are created for it. */
function requireWritable(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch {
    throw new UsageError(`--out: ${dirname(file)} is not a writable directory`);
  }
}

/** The first signal ends the questions, the second the clean-up, the third the process. */
function stopsOnSignals({ signals, exit }: CommandContext): {
  signal: AbortSignal;
  cleanUpSignal: AbortSignal;
} {
  const stages = [new AbortController(), new AbortController()] as const;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    signals.on(name, () => {
      const stage = stages.find(({ signal }) => !signal.aborted);
      if (stage === undefined) return exit(1);
      stage.abort(
        new Error(stage === stages[0] ? `stopped by ${name}` : `the clean-up was stopped by ${name}`),
      );
    });
  }
  const [questions, cleaning] = stages;
  return { signal: questions.signal, cleanUpSignal: cleaning.signal };
}

function factsFile(facts: Facts, baseUrl: string, instance: string): FactsFile {
  return {
    version: 1,
    probedAt: new Date().toISOString(),
    baseUrl,
    instance,
    facts,
  };
}

interface Printed {
  out: Output;
  stderr: CommandContext['stderr'];
  json: boolean;
  file: string;
  facts: FactsFile | undefined;
  end: ProbeEnd;
}

async function print({ out, stderr, json, file, facts, end }: Printed): Promise<void> {
  const { failure, leftovers } = end;
  if (json) {
    await out.line(
      JSON.stringify({
        ...(facts && {
          file,
          ...facts,
          assumptions: assumptionsOf(facts.facts),
          settings: settingsOf(facts.facts),
        }),
        ...(failure && { failure: failure.message }),
        leftovers,
      }),
    );
  } else if (facts !== undefined) {
    for (const line of factsLines(facts)) await out.line(line);
    await out.line(`written to ${file}`);
  }
  if (failure !== undefined) stderr.write(`the probe failed: ${failure.message}\n`);
  if (leftovers.userIds.length > 0) {
    stderr.write(`left behind at Damoov; delete them by hand: ${leftovers.userIds.join(', ')}\n`);
  }
  if (leftovers.isInDoubt) stderr.write('a user may be left behind: search for the last name above\n');
}

function isClean({ userIds, isInDoubt }: Leftovers): boolean {
  return userIds.length === 0 && !isInDoubt;
}
