/** What becomes of connections of several ages when their director is gone, and another one has been told of some. */
import { strict as assert } from 'node:assert';
import { type Asked, flowName, unknownTo } from './asked-director.js';
import type { SteadyClient, SteadyEnd } from './steady.js';

export interface Failover {
  /** Their last turn was more than two seconds ago, so that the other director has been told of all. */
  old: SteadyClient;
  /** Opens connections that are younger: of a handshake alone if they are held. */
  open(isHeld: boolean): Promise<SteadyClient>;
  /** Takes the director away; resolves when packets come to the other one. */
  fail(): Promise<void>;
  other: Asked;
}

/**
 * Just those are reset that the other director does not know. Returns how many of each age that were, in words. The old
 * ones are not among them, and some handshakes are.
 */
export async function lossesByAge({ old, open, fail, other }: Failover): Promise<string[]> {
  const silent = await open(true);
  const asked = await open(false);
  await asked.answered(1);
  const classes: [string, SteadyClient][] = [
    ['older', old],
    ['just had their third packet', asked],
    ['of a handshake alone', silent],
  ];
  const ends = await Promise.all(classes.map(([, client]) => client.ends()));
  await fail();
  const unknown = await Promise.all(ends.map((each) => unknownTo(other, each)));
  await silent.begin();
  const lines: string[] = [];
  for (const [at, [age, client]] of classes.entries()) {
    const { failures, unanswered } = await client.answered(2);
    lines.push(`${age}: ${failures.length} of ${(ends[at] as SteadyEnd[]).length} reset`);
    assert.deepEqual(failures.map(flowName).sort(), unknown[at]?.sort(), age);
    assert.deepEqual(unanswered, [], age);
    if (client === old) assert.deepEqual(failures, []);
    else await client.kill();
    if (client === silent) assert.ok(failures.length > 0, 'nobody was told of a handshake');
  }
  return lines;
}
