/**
 * Begins a run, past the circuit breakers before its job. In nearly every run none is open, and one script does all.
 */
import type { Passage } from '../../lifecycle/ports/circuits.ts';
import type { RedisCircuits } from '../circuits/circuits.ts';
import type { LockRequest } from './script-arguments.ts';
import { BeginReply } from './script-replies.ts';
import type { UserStep } from './user-scripts.ts';

export interface Passing {
  begin: UserStep;
  circuits: Pick<RedisCircuits, 'keysOf' | 'passageOf' | 'probed'>;
  /** The key of how the job ended. */
  settledKey: string;
}

type Begun = Exclude<BeginReply, ['open-circuits']>;

/** @param argument of begin.lua. */
export async function beginAndPass(
  { begin, circuits, settledKey }: Passing,
  { run, job, circuits: names }: LockRequest,
  argument: object,
): Promise<{ reply: Begun; passage: Passage }> {
  const keys = [settledKey, ...circuits.keysOf([...names.must, ...names.may])];
  const reply = BeginReply.parse(await begin(keys, argument));
  if (reply[0] !== 'open-circuits') return { reply, passage: { open: [], probes: [] } };

  const { heldBy, ...passage } = await circuits.passageOf(run, job.version, names);
  const again = BeginReply.parse(await begin(keys, { ...argument, hasPassage: true, heldBy }));
  if (again[0] === 'open-circuits') throw new Error('begin.lua asked for the passage twice');
  // Another run probes in place of one that has not got its user.
  if (again[0] !== 'locked')
    await Promise.all(passage.probes.map((circuit) => circuits.probed(run, circuit, false)));
  return { reply: again, passage };
}
