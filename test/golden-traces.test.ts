import { strict as assert } from 'node:assert';
import { readGoldenJson } from './support/golden.js';
import { GoldenDirector } from './support/golden-director.js';
import { beginning, outcomeOf, packetOf, type ServerSnapshot, type Trace, traceFiles } from './support/golden-trace.js';
import { tcp } from './support/packets.js';

describe('a trace of IPVS', () => {
  for (const file of traceFiles) {
    const trace = readGoldenJson(file) as Trace;
    const { flows, distribution } = trace;
    if (flows && distribution) it(`${file} has our shares`, () => compareShares(trace, flows, distribution));
    else it(`${file} is followed, packet by packet`, () => follow(trace));
  }
});

async function follow(trace: Trace): Promise<void> {
  await using director = new GoldenDirector();
  for (const rule of beginning(trace)) director.run(rule);
  for (const [index, row] of trace.packets.entries()) {
    if ('event' in row) director.run(row.event);
    else if ('snapshot' in row) assert.deepEqual(snapshot(director), row.snapshot, `snapshot in row ${index}`);
    else assert.deepEqual(director.outcome(packetOf(row)), outcomeOf(row), `row ${index}: ${JSON.stringify(row)}`);
  }
}

/**
 * Two runs of an experiment agree: what each server got differs by less than five standard deviations of the
 * difference.
 */
async function compareShares(trace: Trace, flows: number, recorded: Record<string, number>): Promise<void> {
  await using director = new GoldenDirector();
  for (const rule of trace.ipvsadm) director.run(rule);
  const to = trace.service.replace(/^-t /, '');
  const counts: Record<string, number> = {};
  for (let flow = 0; flow < flows; flow++) {
    const { chosen } = director.outcome(tcp({ from: `172.16.${flow >> 8}.${flow & 255}:1024`, to, flags: 'S' }));
    if (chosen !== null) counts[chosen] = (counts[chosen] ?? 0) + 1;
  }
  for (const [server, expected] of Object.entries(recorded)) {
    const deviation = Math.sqrt(2 * expected * (1 - expected / flows));
    const got = counts[server] ?? 0;
    assert.ok(Math.abs(got - expected) < 5 * deviation, `${server} got ${got} of ${flows}, recorded were ${expected}`);
  }
}

/** Returns the servers of all services, in the order of adding. */
function snapshot(director: GoldenDirector): ServerSnapshot[] {
  return director.offline.virtualServices.flatMap((service) =>
    service.stats().servers.map(({ address, port, weight, activeConnections, inactiveConnections }) => ({
      address,
      port,
      weight,
      active: activeConnections,
      inactive: inactiveConnections,
    })),
  );
}
