/**
 * Stands before the sandbox as a Damoov that repeats what it was told: some requests, by a word in their body, it refuses or
 * breaks off, with every value in its answer.
 */
import { startDamoovProxy } from './damoov-proxy.ts';

/** By the word in the body of the request. */
export type Whim = 'refuse' | 'break' | 'hang up after';

export interface TalkativeDamoov {
  readonly url: string;
  readonly whims: Map<string, Whim>;
}

export async function startTalkativeDamoov(sandboxUrl: string): Promise<TalkativeDamoov> {
  const whims = new Map<string, Whim>();
  const url = await startDamoovProxy(sandboxUrl, async (request, body, forward) => {
    const [word = '', whim] = [...whims].find(([word]) => body.includes(word)) ?? [];
    const told = `${request.url} ${body}`;
    if (whim === 'refuse') {
      const Errors = [
        { Key: 'Email', Message: `The values ${told} are not valid.` },
        ...valuesIn(body).flatMap((value) => [
          { Key: 'Phone', Message: `'${value}' is taken by ${value.toUpperCase()}.` },
          { Key: value, Message: Buffer.from(value).toString('base64') },
        ]),
      ];
      const Title = 'One or more validation errors occurred.';
      return { status: 422, body: JSON.stringify({ Status: 422, Title, Errors }) };
    }
    if (whim === 'break') {
      const Errors = [{ Key: '', Message: told }];
      return { status: 500, body: JSON.stringify({ Status: 500, Title: told, Errors }) };
    }
    const answer = await forward(body);
    return whim !== undefined && whims.delete(word) ? undefined : answer;
  });
  return { url, whims };
}

function valuesIn(body: string): string[] {
  const values: string[] = [];
  JSON.parse(body === '' ? '{}' : body, (_key, value: unknown) => {
    if (typeof value === 'string') values.push(value);
    return value;
  });
  return values;
}
