/**
 * Has the commands of one tick leave a connection together: each would be a call of the operating system of its own, and an answer
 * of Redis with several replies brings about as many commands at once. Their order stays, and nothing waits for a timer.
 */
import type { Writable } from 'node:stream';
import { Cluster, type Redis } from 'ioredis';

/** Of a cluster, the connections to each of its nodes. */
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
