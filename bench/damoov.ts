/**
 * The sandbox as a benchmark uses it: empty, and as slow as it is told.
 */

/** Forgets all users, and answers after so many milliseconds from now on. */
export async function slowDown(sandboxUrl: string, latencyMs: number): Promise<void> {
  await control(sandboxUrl, 'POST', 'reset');
  await control(sandboxUrl, 'PATCH', 'modes', { latencyMs });
}

async function control(sandboxUrl: string, method: string, path: string, body?: object): Promise<void> {
  const response = await fetch(`${sandboxUrl}/_sandbox/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
}
