/**
 * Reads one line of a file of receipts: checks that it is a receipt with the right hash.
 */
import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { UserEvent } from '../contract/event.ts';
import { Receipt, hashOf } from '../contract/receipt.ts';

/** More than any event needs, in bytes; a longer line is not a receipt, and must not fill the memory. */
export const MAX_LINE_BYTES = 1024 * 1024;

/** The fault of a line; `receipt` as far as it could be read. */
export interface Fault {
  fault: string;
  receipt?: Receipt;
}

/** The receipt in a line: the line itself, or part of a `user.deleted` event. */
export function readLine(line: Buffer): Receipt | Fault {
  const content = readJson(line);
  if ('fault' in content) return content;
  const receipt = isEvent(content.value) ? receiptInEvent(content.value) : parsed(Receipt, content.value);
  if ('fault' in receipt) return receipt;
  if (hashOf(receipt) !== receipt.hash) return { fault: 'the hash does not match its content', receipt };
  return receipt;
}

function readJson(line: Buffer): { value: unknown } | Fault {
  if (line.length > MAX_LINE_BYTES) return { fault: `is longer than ${MAX_LINE_BYTES} bytes` };
  if (!isUtf8(line)) return { fault: 'is not UTF-8' };
  const text = line.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: 'is not JSON' };
  }
  // Different readers may use different values of a duplicate name, and a changed spelling alone would go unnoticed.
  try {
    if (JSON.stringify(value) === text) return { value };
    return { fault: 'has a duplicate name, or is not compact JSON as `jq -c .` writes it' };
  } catch {
    return { fault: 'is nested more deeply than any receipt' };
  }
}

function isEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'specversion' in value;
}

function receiptInEvent(value: unknown): Receipt | Fault {
  const event = parsed(UserEvent, value);
  if ('fault' in event) return event;
  if (event.type !== 'user.deleted') return { fault: `is a ${event.type} event, not user.deleted` };
  const { id, subject, data } = event;
  const { receipt } = data;
  if (receipt === undefined) return { fault: 'is a user.deleted event without a receipt' };
  const pairs = [
    ['subject', subject, receipt.userId],
    ['userId', data.userId, receipt.userId],
    ['instance', data.instance, receipt.instance],
    ['jobId', data.jobId, receipt.jobId],
    ['correlationId', data.correlationId, receipt.correlationId],
    ['existed', data.existed, receipt.existed],
    ['verified', data.verified, receipt.verified],
    ['id', isIdOf(id, receipt.jobId, event.type), true],
  ] as const;
  const [name] = pairs.find(([, ofEvent, ofReceipt]) => ofEvent !== ofReceipt) ?? [];
  return name === undefined ? receipt : { fault: `the event's ${name} does not fit the receipt`, receipt };
}

/** The receipt does not contain the timestamp between job and type. */
function isIdOf(id: string, jobId: string, type: string): boolean {
  const timestamp = id.slice(jobId.length + 1, -type.length - 1);
  return id === `${jobId}/${timestamp}/${type}` && /^\d+$/.test(timestamp);
}

function parsed<Value extends Receipt | UserEvent>(schema: z.ZodType<Value>, value: unknown): Value | Fault {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  // Repeats neither values nor unknown names: the line may contain anything.
  const where = issue?.path.join('.') || 'it';
  const what = issue?.code === 'unrecognized_keys' ? 'has an unknown name' : `${where} is not valid`;
  return { fault: `is neither a receipt nor a user.deleted event: ${what}` };
}
