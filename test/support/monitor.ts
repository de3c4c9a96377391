/**
 * What Redis is asked, line by line, as its MONITOR tells it. On a socket of its own: ioredis takes the first lines for replies
 * where they come in one piece with the answer to MONITOR.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';

export interface MonitoredCall {
  /** The client's address, or `lua`. */
  source: string;
  /** The command and its arguments, as MONITOR quotes them. */
  args: string[];
}

/** Resolves once Redis monitors; `onCall` gets every command from then on, of all clients. */
export async function monitorRedis(
  redisUrl: string,
  onCall: (call: MonitoredCall) => void,
): Promise<{ close: () => void }> {
  const { protocol, hostname: host, port, username, password } = new URL(redisUrl);
  const address = { host, port: Number(port || 6379) };
  const socket = protocol === 'rediss:' ? connectTls(address) : connect(address);
  await once(socket, protocol === 'rediss:' ? 'secureConnect' : 'connect');
  const lines = createInterface({ input: socket });
  const { promise: monitors, resolve, reject } = Promise.withResolvers<void>();
  socket.on('error', reject);
  let awaited = password === '' ? 1 : 2;
  lines.on('line', (line) => {
    if (awaited > 0) {
      awaited -= 1;
      if (!line.startsWith('+OK')) reject(new Error(`Redis does not monitor: ${line}`));
      if (awaited === 0) resolve();
      return;
    }
    const [, source = '', rest = ''] = /^\+[\d.]+ \[\d+ (\S+)\] (.*)$/.exec(line) ?? [];
    const args = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, argument = '']) => argument);
    onCall({ source, args });
  });
  if (password !== '') {
    const user = username === '' ? 'default' : decodeURIComponent(username);
    socket.write(`AUTH ${user} ${decodeURIComponent(password)}\r\n`);
  }
  socket.write('MONITOR\r\n');
  await monitors;
  return { close: () => socket.destroy() };
}
