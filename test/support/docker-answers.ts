/**
 * Asks quickly whether a Docker engine answers where Testcontainers will look for it. It starts nothing.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';

const DEADLINE_MS = 2_000;

/** Never takes longer than the deadline: a socket may accept and stay silent. */
export async function dockerAnswers(): Promise<boolean> {
  const answers = await Promise.all(engines().map(ping));
  return answers.includes(true);
}

type Engine = { readonly socketPath: string } | { readonly host: string; readonly port: string };

function engines(): Engine[] {
  const { DOCKER_HOST, XDG_RUNTIME_DIR } = process.env;
  if (DOCKER_HOST) {
    const { hostname, port, pathname } = new URL(DOCKER_HOST);
    return [hostname === '' ? { socketPath: pathname } : { host: hostname, port }];
  }
  return [
    '/var/run/docker.sock',
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'docker.sock')] : []),
    join(homedir(), '.docker', 'run', 'docker.sock'),
    join(homedir(), '.docker', 'desktop', 'docker.sock'),
  ].map((socketPath) => ({ socketPath }));
}

async function ping(engine: Engine): Promise<boolean> {
  const asked = request({ ...engine, path: '/_ping', signal: AbortSignal.timeout(DEADLINE_MS) });
  try {
    asked.end();
    // Any answer will do: an engine behind TLS answers plain HTTP with a refusal.
    const [response] = await once(asked, 'response');
    response.destroy();
    return true;
  } catch {
    return false;
  }
}
