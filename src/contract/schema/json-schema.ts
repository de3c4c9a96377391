/**
 * The jobs and events as JSON Schemas, generated from the validating schemas. Draft-07: AsyncAPI 3 accepts it directly, most tools read
 * it, and later drafts would change nothing here.
 */
import { z } from 'zod';
import { UserEvent, type EventType } from '../event.ts';
import {
  CreateUserData,
  DeleteUserData,
  type JobName,
  MAX_JOB_BYTES,
  MoveUserData,
  UpdateUserData,
} from '../job.ts';

export type JsonSchema = Record<string, unknown>;

const DIALECT = 'http://json-schema.org/draft-07/schema#';

/** The data of each job, by name. Rules that JSON Schema cannot express are in the description; the worker applies them as well. */
export function jobSchemas(): Record<JobName, JsonSchema> {
  return {
    'create-user': jobSchema(CreateUserData),
    'update-user': jobSchema(UpdateUserData),
    'delete-user': jobSchema(DeleteUserData),
    'move-user': jobSchema(MoveUserData),
  };
}

/**
 * Each event as a whole, by type. Unlike the validation here, they allow unknown fields: a later field must not break a subscriber that
 * validates events.
 */
export function eventSchemas(): Record<EventType, JsonSchema> {
  const schemas = UserEvent.options.map((event) => [event.shape.type.value, eventSchema(event)] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each option has its own type as its name
  return Object.fromEntries(schemas) as Record<EventType, JsonSchema>;
}

/** A standalone schema, with its dialect and a stable name. */
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
  // Zod omits examples of transformed data, as they might be of the output: these are of the input.
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

/** Without the dialect, which only a standalone schema names; and with its description first. */
function plain({ $schema: _dialect, title, description, ...schema }: JsonSchema): JsonSchema {
  return { title, description, ...schema };
}
