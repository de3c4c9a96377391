/**
 * Stands before the sandbox as a Damoov whose credentials are changed while it runs: users and sessions stay.
 */
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/server.ts';
import { startDamoovProxy } from './damoov-proxy.ts';

export interface ChangingCredentials {
  readonly url: string;
  /** What is accepted from now on. */
  instanceKey: string;
  adminPassword: string;
}

export async function startChangingCredentials(sandboxUrl: string): Promise<ChangingCredentials> {
  const { instanceKey, adminPassword } = SANDBOX_CREDENTIALS;
  const state = { url: '', instanceKey, adminPassword };
  state.url = await startDamoovProxy(sandboxUrl, async (request, body, forward) => {
    const key = request.headers['instancekey'];
    if (key !== undefined)
      request.headers['instancekey'] = key === state.instanceKey ? instanceKey : 'refused';
    if (request.url?.toLowerCase().endsWith('/auth/login') !== true) return forward(body);
    const login = JSON.parse(body) as { Password: string };
    const isRight = login.Password === state.adminPassword;
    return forward(JSON.stringify({ ...login, Password: isRight ? adminPassword : 'refused' }));
  });
  return state;
}
