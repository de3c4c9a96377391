/**
 * Reads the survivors that we accept, each with a reason.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const AcceptedSurvivors = z.array(
  z.strictObject({
    file: z.string(),
    inFunction: z.string(),
    operator: z.string(),
    source: z.string(),
    index: z.int(),
    /** `equivalent`: no test can tell it from the original. `left`: a test could, but is not worth it. */
    kind: z.enum(['equivalent', 'left']),
    reason: z.string().min(1),
  }),
);
export type AcceptedSurvivor = z.infer<typeof AcceptedSurvivors>[number];

const LIST = new URL('survivors.json', import.meta.url);

export function acceptedSurvivors(): AcceptedSurvivor[] {
  return AcceptedSurvivors.parse(JSON.parse(readFileSync(LIST, 'utf8')));
}
