/**
 * Standard output for results, whose reader may stop at any time (`| head`).
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export interface Output {
  /** Writes a line. False if the reader stopped or a disk is full: the rest need not be produced. */
  line(text: string): Promise<boolean>;
}

/** The error of the stream tells the caller that something was not written. */
export function outputOf(stream: Writable): Output {
  let isRead = true;
  const gone = new Promise<void>((resolve) => {
    stream.on('error', () => {
      isRead = false;
      resolve();
    });
  });
  return {
    async line(text) {
      if (isRead && !stream.write(`${text}\n`)) await Promise.race([once(stream, 'drain'), gone]);
      return isRead;
    },
  };
}
