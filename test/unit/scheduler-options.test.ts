import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { saveServices } from '../../lib/rules/listing/save.js';
import { listedService } from '../../lib/rules/show.js';
import type { SchedulerChoice } from '../../lib/values/scheduler-options.js';
import { schedulerFlagsOf, schedulers } from '../../lib/values/scheduler.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;

function withDirector(body: (director: ReturnType<typeof Director.offline>) => void): () => Promise<void> {
  return async () => {
    await using director = Director.offline({ source: '10.9.0.1', maxConnections: 1024 });
    body(director);
  };
}

describe("a service's scheduler", () => {
  it(
    'can be each that there is, with each of its flags',
    withDirector((director) => {
      for (const scheduler of schedulers) {
        for (const flag of schedulerFlagsOf(scheduler)) {
          const service = director.addVirtualService({ ...WEB, scheduler, schedulerFlags: [flag] });
          service.addRealServer({ address: '10.0.0.11' });
          const [row] = director.stats().services;
          assert.deepEqual([row?.scheduler, row?.schedulerFlags], [scheduler, service.schedulerFlags]);
          service.delete();
        }
      }
    }),
  );

  it(
    'has its flags once, by its own names and in their order',
    withDirector((director) => {
      const service = director.addVirtualService({
        ...WEB,
        scheduler: 'sh',
        schedulerFlags: ['flag-3', 'flag-2', 'sh-port', 'sh-fallback'],
      });
      assert.deepEqual(service.schedulerFlags, ['sh-fallback', 'sh-port', 'flag-3']);
      const [row] = director.stats().services;
      assert.deepEqual(row?.schedulerFlags, ['sh-fallback', 'sh-port', 'flag-3']);
      assert.match(saveServices(director.stats().services.map(listedService)), /-s sh -b sh-fallback,sh-port,flag-3$/m);
    }),
  );

  it(
    'keeps flags and options through an edit, and loses them to another scheduler',
    withDirector((director) => {
      const service = director.addVirtualService({
        ...WEB,
        scheduler: 'maglev',
        schedulerFlags: ['maglev-port'],
        schedulerOptions: { tableSize: 251 },
      });
      service.edit({});
      assert.deepEqual([service.schedulerFlags, service.schedulerOptions], [['maglev-port'], { tableSize: 251 }]);
      assert.deepEqual(director.stats().services[0]?.schedulerOptions, { tableSize: 251 });
      service.edit({ schedulerFlags: [] });
      assert.deepEqual([service.schedulerFlags, service.schedulerOptions], [[], { tableSize: 251 }]);
      service.edit({ schedulerOptions: {} });
      assert.deepEqual(director.stats().services[0]?.schedulerOptions, {});
      service.edit({ schedulerOptions: { tableSize: 509 } });
      service.edit({ scheduler: 'wlc' });
      assert.deepEqual([service.schedulerFlags, service.schedulerOptions], [[], {}]);
    }),
  );

  const refused: [what: string, choice: object, message: RegExp][] = [
    [
      "another scheduler's flag",
      { scheduler: 'sh', schedulerFlags: ['mh-port'] },
      /one of 'sh-fallback', 'sh-port', 'flag-1'/,
    ],
    ['flags that are no list', { scheduler: 'sh', schedulerFlags: 'sh-port' }, /schedulerFlags: expected an array/],
    ['an unknown option', { schedulerOptions: { slots: 3 } }, /there is no option "slots"; it takes tableSize/],
    ['a table size that is not a number', { schedulerOptions: { tableSize: '251' } }, /tableSize: expected an integer/],
    ['a table for a scheduler without one', { schedulerOptions: { tableSize: 251 } }, /wlc has no table/],
    ['a size that is no prime for maglev', { scheduler: 'maglev', schedulerOptions: { tableSize: 1000 } }, /a prime/],
    ["a size that is not mh's", { scheduler: 'mh', schedulerOptions: { tableSize: 257 } }, /its sizes are 251, 509/],
    [
      'a size that is no power of two for sh',
      { scheduler: 'sh', schedulerOptions: { tableSize: 300 } },
      /power of two/,
    ],
    [
      'too few slots for rendezvous',
      { scheduler: 'rendezvous', schedulerOptions: { tableSize: 9 } },
      /256 to 16777216/,
    ],
  ];
  for (const [what, choice, message] of refused) {
    it(
      `refuses ${what}, and nothing is left of it`,
      withDirector((director) => {
        const add = () => director.addVirtualService({ ...WEB, ...(choice as SchedulerChoice) });
        assert.throws(add, { code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
        assert.deepEqual(director.virtualServices, []);
      }),
    );
  }

  it(
    'refuses more servers than its table has slots, when they are added and when it is chosen',
    withDirector((director) => {
      const addresses = Array.from({ length: 252 }, (_, i) => `10.0.${i >> 7}.${(i & 127) + 1}`);
      const full = { scheduler: 'mh', schedulerOptions: { tableSize: 251 } } as const;
      const service = director.addVirtualService({ ...WEB, ...full });
      const addAll = () => director.transaction(() => addresses.map((address) => service.addRealServer({ address })));
      assert.throws(addAll, { code: 'ERR_TUNVS_LIMIT', message: /give it a larger table/ });
      assert.equal(service.realServers.length, 0);
      service.edit({ scheduler: 'rr' });
      addAll();
      assert.throws(() => service.edit(full), { code: 'ERR_TUNVS_LIMIT' });
      assert.equal(service.scheduler, 'rr');
    }),
  );
});

describe('the options of schedulers that take turns', () => {
  it(
    'are shown where they were asked for, and kept through an edit',
    withDirector((director) => {
      const asked = { stableCursor: true, randomStart: true };
      const service = director.addVirtualService({ ...WEB, scheduler: 'wrr', schedulerOptions: asked });
      service.addRealServer({ address: '10.0.0.11' });
      service.edit({ scheduler: 'wrr' });
      assert.deepEqual([service.schedulerOptions, director.stats().services[0]?.schedulerOptions], [asked, asked]);
      service.edit({ schedulerOptions: { stableCursor: false } });
      assert.deepEqual([service.schedulerOptions, director.stats().services[0]?.schedulerOptions], [{}, {}]);
    }),
  );

  it(
    'are refused by schedulers that have no use for them, which say who has',
    withDirector((director) => {
      for (const scheduler of schedulers) {
        for (const [option, takers] of [
          ['stableCursor', ['wrr']],
          ['randomStart', ['rr', 'wrr']],
        ] as const) {
          const add = () => director.addVirtualService({ ...WEB, scheduler, schedulerOptions: { [option]: true } });
          if ((takers as readonly string[]).includes(scheduler)) add().delete();
          else {
            const message = new RegExp(`the scheduler ${scheduler} has no use for .*, as ${takers.join(', ')} have`);
            assert.throws(add, { code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
          }
        }
      }
      assert.throws(
        () => director.addVirtualService({ ...WEB, schedulerOptions: { randomStart: 'yes' as never } }),
        /randomStart: expected true or false/,
      );
    }),
  );
});
