/**
 * Makes room where too many are connected: who has most connections loses the oldest. Turning the new one away would let
 * anybody who holds all of them keep the probes out, and have a worker killed that is well. Knows no HTTP.
 */
import type { Server, Socket } from 'node:net';

/** @param most how many connections there may be at once. */
export function limitCrowd(server: Server, most: number): void {
  /** The oldest first. */
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (open.size <= most) return;
    const tooMany = oldestOfMost(open);
    // Its end comes a moment later, and others may come before.
    open.delete(tooMany ?? socket);
    tooMany?.destroy();
  });
}

/** Where several have as many, whoever came first. */
function oldestOfMost(open: ReadonlySet<Socket>): Socket | undefined {
  const byAddress = Map.groupBy(open, ({ remoteAddress }) => remoteAddress);
  const [most] = [...byAddress.values()].sort((one, other) => other.length - one.length);
  return most?.[0];
}
