/** A process that embeds a director, keeps it as specs want it, and reloads again and again. */
import { isDeepStrictEqual } from 'node:util';
import { SpecSession } from '../../../lib/config/apply/spec-session.js';
import type { ServerSpec, Spec } from '../../../lib/config/spec.js';
import { Director } from '../../../lib/director/director.js';
import { serveAgent } from '../../../lib/lab/agent.js';
import { heldBy } from '../../../lib/rules/wanted.js';

interface Pool {
  source: string;
  address: string;
  port: number;
  /** These stay. */
  staying: string[];
  /** This one comes and goes. */
  passing: string;
}

let director: Director | undefined;
let session: SpecSession | undefined;

/** The passing server is away in every tenth round, and others that get no connections are there in some. */
function specOf({ source, address, port, staying, passing }: Pool, round: number): Spec {
  const servers: ServerSpec[] = staying.map((each, index) => ({ address: each, weight: 1 + ((round + index) % 5) }));
  if (round % 10 !== 9) servers.push({ address: passing, weight: 1 + (round % 3) });
  for (let extra = 0; extra < round % 4; extra++)
    servers.push({ address: `10.77.${round % 256}.${1 + extra}`, weight: 0 });
  return { source, services: [{ protocol: 'tcp', address, port, scheduler: 'wrr', servers }] };
}

serveAgent({
  async open(pool: Pool) {
    director = await Director.open({ source: pool.source });
    session = new SpecSession(director);
    await session.apply({ spec: specOf(pool, 0) });
  },
  /** Returns how many changes all reloads made, and what a spec with a mistake changed. */
  async reload({ pool, rounds, wrongEvery }: { pool: Pool; rounds: number; wrongEvery: number }) {
    let changes = 0;
    let refused = 0;
    let changedByMistake = 0;
    for (let round = 1; round <= rounds; round++) {
      changes += (await session?.apply({ spec: specOf(pool, round) }))?.length ?? 0;
      if (round % wrongEvery !== 0 || !director) continue;
      const before = heldBy(director);
      const wrong = specOf(pool, round + 1);
      wrong.services?.push({ protocol: 'tcp', address: pool.source, port: pool.port });
      await session?.apply({ spec: wrong }).catch(() => {
        refused += 1;
      });
      if (!isDeepStrictEqual(heldBy(director), before)) changedByMistake += 1;
    }
    return { changes, refused, changedByMistake };
  },
  async close() {
    await director?.close();
    await session?.close();
  },
});
