/**
 * Sends the commands of one tick in one write: each would be its own system call, and an answer with several replies causes as many
 * commands. Their order stays, and nothing waits for a timer.
 */
import type { Writable } from 'node:stream';
import { Cluster, type Redis } from 'ioredis';

/** For a cluster, the connections to each of its nodes. */
export function bundleWrites(connection: Redis | Cluster): void {
  if (connection instanceof Cluster) connection.on('+node', (node: Redis) => bundleWrites(node));
  else connection.on('connect', () => bundle(connection.stream));
}

function bundle(stream: Writable): void {
  const write = stream.write.bind(stream);
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    stream.uncork();
  };
  Object.assign(stream, {
    write(...args: Parameters<Writable['write']>) {
      if (!isCorked) {
        isCorked = true;
        stream.cork();
        process.nextTick(uncork);
      }
      return write(...args);
    },
  });
}
