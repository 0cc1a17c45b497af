/** Schedulers that are of no use where every datagram is scheduled by itself get a warning, and no others do. */
import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { parseCommand } from '../../lib/rules/parse-command.js';
import { onePacketWarning, schedulers } from '../../lib/values/scheduler.js';
import { udp } from '../support/packets.js';

/** These are there to use one server at a time. */
const BY_NATURE = ['fo', 'dh'];

async function serversUsed(scheduler: (typeof schedulers)[number]): Promise<number> {
  await using director = Director.offline({ source: '10.2.0.2' });
  const key = { protocol: 'udp', address: '192.0.2.1', port: 53 } as const;
  const service = director.addVirtualService({ ...key, scheduler, onePacket: true });
  const servers = ['10.0.0.11', '10.0.0.12', '10.0.0.13'].map((address) => service.addRealServer({ address }));
  const packets = Array.from({ length: 300 }, (_, i) =>
    udp({ from: `198.51.100.${i % 250}:${1024 + i}`, to: '192.0.2.1:53' }),
  );
  director.process(packets, 1);
  return servers.filter((server) => server.stats().totals.connections > 0n).length;
}

describe('a service of single datagrams', () => {
  for (const scheduler of schedulers.filter((each) => !BY_NATURE.includes(each))) {
    const isWarnedOf = onePacketWarning(scheduler) !== undefined;
    it(`${isWarnedOf ? 'uses one real server' : 'spreads'} with ${scheduler}`, async () => {
      assert.equal(await serversUsed(scheduler), isWarnedOf ? 1 : 3);
    });
  }

  it('is warned of in a rule, with and without -s, but not where clients are kept', () => {
    const warnings = (rule: string) => {
      const said: string[] = [];
      parseCommand(rule.split(' '), (sentence) => said.push(sentence));
      return said;
    };
    assert.match(warnings('-A -u 192.0.2.1:53 -o')[0] as string, /^-o without -s: the scheduler wlc compares/);
    assert.match(warnings('-A -u 192.0.2.1:53 -o -s sed')[0] as string, /^-o with -s sed: the scheduler sed compares/);
    assert.deepEqual(warnings('-A -u 192.0.2.1:53 -o -s wrr'), []);
    assert.deepEqual(warnings('-A -u 192.0.2.1:53 -o -p 60'), []);
    assert.deepEqual(warnings('-A -u 192.0.2.1:53'), []);
  });
});
