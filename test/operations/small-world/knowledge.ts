/**
 * The knowledge of a run as its operation gets it: facts of this world are plain data, and become those of src.
 */
import { DamoovError, type DamoovErrorKind, type DamoovOperation } from '../../../src/damoov/errors.ts';
import type { Fact, Knowledge } from '../../../src/operations/step.ts';
import {
  type Job,
  type PlainFact,
  type Rules,
  type State,
  INSTANCES,
  LAG_MS,
  NOW,
  instanceOfJob,
  nowOf,
  versionOfJob,
} from './state.ts';

function configured(instances: Knowledge['instances']): Pick<Knowledge, 'instances' | 'instanceNames'> {
  return { instances, instanceNames: new Map([...instances].map(([name, { id }]) => [id, name])) };
}
const BOTH = configured(new Map(Object.entries(INSTANCES)));
const ONLY_HERE = configured(new Map([['here', INSTANCES.here]]));

/** What a run knows before its next step. */
export function knowledgeOf(state: State, job: Job, index: number, rules: Rules): Knowledge {
  const { run, id } = job;
  if (run === undefined) throw new Error('no run');
  return {
    job: { id, timestamp: NOW, version: versionOfJob(job, index) },
    instance: instanceOfJob(job),
    ...(rules.knowsThere ? BOTH : ONLY_HERE),
    userIdMode: rules.mode,
    lagMs: LAG_MS,
    hasAdmin: true,
    record: run.record,
    facts: run.facts.map(asFact),
    now: nowOf(state),
  };
}

const errors = new Map<string, DamoovError>();

function asFact(fact: PlainFact): Fact {
  if (fact.of === 'create') {
    const { answer } = fact;
    return { ...fact, answer: typeof answer === 'string' ? errorOf('create', answer) : answer };
  }
  if (fact.of === 'update' || fact.of === 'delete' || fact.of === 'move') {
    return { ...fact, error: fact.error === undefined ? undefined : errorOf(fact.of, fact.error) };
  }
  return fact;
}

function errorOf(operation: DamoovOperation, kind: DamoovErrorKind): DamoovError {
  const key = `${operation} ${kind}`;
  const known =
    errors.get(key) ??
    new DamoovError({
      operation,
      kind,
      status: 404,
      wasSent: true,
      errors: [{ key: 'CustomToken', message: 'is taken' }],
    });
  errors.set(key, known);
  return known;
}
