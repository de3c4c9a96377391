/**
 * The jobs and events as JSON Schemas, made from the schemas that judge them here. Draft-07: it is what AsyncAPI 3 takes as it
 * is, and what the most tools read; nothing said here would be said otherwise in a later draft.
 */
import { z } from 'zod';
import { UserEvent, type EventType } from '../event.ts';
import { CreateUserData, DeleteUserData, type JobName, MAX_JOB_BYTES, UpdateUserData } from '../job.ts';

export type JsonSchema = Record<string, unknown>;

const DIALECT = 'http://json-schema.org/draft-07/schema#';

/**
 * The data of each job, by its name. What JSON Schema cannot say is in the description: such a job is refused here all the
 * same.
 */
export function jobSchemas(): Record<JobName, JsonSchema> {
  return {
    'create-user': jobSchema(CreateUserData),
    'update-user': jobSchema(UpdateUserData),
    'delete-user': jobSchema(DeleteUserData),
  };
}

/**
 * Each event as a whole, by its type. Other than here, fields that are not known are let through: one that is added some day
 * must not break a subscriber who checks what it gets.
 */
export function eventSchemas(): Record<EventType, JsonSchema> {
  const schemas = UserEvent.options.map((event) => [event.shape.type.value, eventSchema(event)] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each option has its own type as its name
  return Object.fromEntries(schemas) as Record<EventType, JsonSchema>;
}

/** A schema on its own, with its dialect and a name that stays. */
export function standalone(name: string, schema: JsonSchema): JsonSchema {
  return { $schema: DIALECT, $id: `urn:damoov-user-lifecycle:${name}`, ...schema };
}

/** All of them, as definitions of one schema. */
export function bundle(): JsonSchema {
  return {
    $schema: DIALECT,
    $id: 'urn:damoov-user-lifecycle:contract',
    title: 'The jobs and events of damoov-user-lifecycle',
    definitions: { ...jobSchemas(), ...eventSchemas() },
  };
}

function jobSchema(data: z.ZodType): JsonSchema {
  const schema = plain(z.toJSONSchema(data, { target: 'draft-07', io: 'input' }));
  // Zod leaves examples out where the data is transformed, as they might be of the result: these are not.
  const examples = data.meta()?.['examples'];
  const limit = `At most ${MAX_JOB_BYTES} bytes of JSON, in well-formed Unicode.`;
  return { ...schema, examples, description: `${String(schema['description'])} ${limit}` };
}

function eventSchema(event: z.ZodType): JsonSchema {
  return plain(
    z.toJSONSchema(event, {
      target: 'draft-07',
      io: 'output',
      override: ({ jsonSchema }) => void delete jsonSchema.additionalProperties,
    }),
  );
}

/** Without the dialect, which only a schema on its own names; and what it says of itself first. */
function plain({ $schema: _dialect, title, description, ...schema }: JsonSchema): JsonSchema {
  return { title, description, ...schema };
}
