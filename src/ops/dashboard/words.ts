/**
 * Figures and times of the dashboard: in English and UTC for all viewers.
 */

/** `1,234`. */
export function figure(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 job`, `1,234 jobs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${figure(count)} ${count === 1 ? one : many}`;
}

/** The name of a circuit breaker. */
export function circuitText(circuit: string): string {
  return CIRCUITS.get(circuit) ?? circuit.replace('instance-key:', 'Key of ');
}

const CIRCUITS = new Map<string, string>([
  ['damoov', 'Damoov'],
  ['admin', 'Admin account'],
  ['deletion-limit', 'Deletion limit'],
]);

/** `14:05:09`. */
export function clockTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** `14:05`. */
export function minuteTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

/** `Thu 26 Nov`. */
export function dayName(ms: number): string {
  return DAY.format(ms).replaceAll(',', '');
}

const DAY = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
});
