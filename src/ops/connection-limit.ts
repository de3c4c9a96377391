/**
 * Limits the connections of a server: above the limit, the address with the most connections loses its oldest. Refusing the new
 * connection instead would let one client that holds all of them shut out the health checks.
 */
import type { Server, Socket } from 'node:net';

/** @param most maximum number of connections. */
export function limitConnections(server: Server, most: number): void {
  /** In order of age, the oldest first. */
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (open.size <= most) return;
    const tooMany = oldestOfMost(open);
    // Its `close` event comes a moment later, and new connections may come before.
    open.delete(tooMany ?? socket);
    tooMany?.destroy();
  });
}

/** Among addresses with the same number, the one that connected first. */
function oldestOfMost(open: ReadonlySet<Socket>): Socket | undefined {
  const byAddress = Map.groupBy(open, ({ remoteAddress }) => remoteAddress);
  const [most] = [...byAddress.values()].sort((one, other) => other.length - one.length);
  return most?.[0];
}
