/**
 * Standard output for results, which somebody may stop reading at any time (`| head`). Knows nothing of what is written.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export interface Output {
  /** Writes a line. False if nobody reads any more, or a disk is full: the rest need not be produced. */
  line(text: string): Promise<boolean>;
}

/** Whoever runs the command sees by the stream that something was not written. */
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
