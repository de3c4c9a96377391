/**
 * What counts as a device token: a UUID, compared without case.
 */
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The UUID in lower case, or undefined where the value is none. */
export function asUuid(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.toLowerCase();
  return UUID.test(text) ? text : undefined;
}
