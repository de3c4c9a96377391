/**
 * Stands between a worker and the sandbox and spoils the answers to DELETEs on demand; everything else passes.
 */
import { startDamoovProxy } from './damoov-proxy.ts';

export interface FaultyDeletes {
  readonly url: string;
  /** `lost`: carried out, and answered with 502; a status: answered with it, and not carried out. */
  fault: 'none' | 'lost' | number;
}

export async function startFaultyDeletes(target: string): Promise<FaultyDeletes> {
  const state: { url: string; fault: FaultyDeletes['fault'] } = { url: '', fault: 'none' };
  state.url = await startDamoovProxy(target, async ({ method }, body, forward) => {
    const fault = method === 'DELETE' ? state.fault : 'none';
    if (typeof fault === 'number') return { status: fault, body: `{"Status":${fault},"Errors":[]}` };
    const answer = await forward(body);
    return fault === 'lost' ? { status: 502, body: '' } : answer;
  });
  return state;
}
