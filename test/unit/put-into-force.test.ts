import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import type { ChangedDirector } from '../../lib/rules/all-or-nothing.js';
import { putIntoForce } from '../../lib/rules/put-into-force.js';
import { reconcile } from '../../lib/rules/reconcile.js';
import { heldBy, type Wanted } from '../../lib/rules/wanted.js';

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const STEPS = ['setMarks', 'addService', 'addServer', 'setTimeouts', 'setSysctl', 'commit'];

/** `director`, whose `step` fails. */
function failing(director: Director, step: string): ChangedDirector {
  const fail = (name: string) => {
    if (name === step) throw new Error(`injected: ${name}`);
  };
  return {
    transaction: (body) =>
      director.transaction((transaction) => {
        const result = body(
          new Proxy(transaction, {
            get(target, name) {
              if (name === 'setMarks') fail('setMarks');
              if (name === 'addVirtualService') fail('addService');
              if (name === 'virtualService') fail('addServer');
              const value = Reflect.get(target, name, target) as unknown;
              return typeof value === 'function' ? value.bind(target) : value;
            },
          }),
        );
        fail('commit');
        return result;
      }),
    get stateTimeouts() {
      return director.stateTimeouts;
    },
    setTimeouts(timeouts) {
      fail('setTimeouts');
      director.setTimeouts(timeouts);
    },
    get sysctls() {
      return director.sysctls;
    },
    setSysctl(name, value) {
      fail('setSysctl');
      director.setSysctl(name, value);
    },
  };
}

describe('putting a configuration into force', () => {
  let director: Director;
  let wanted: Wanted;

  beforeEach(() => {
    director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    director.addVirtualService({ ...SERVICE, port: 443, scheduler: 'rr' }).addRealServer({ address: '10.3.0.11' });
    const now = heldBy(director);
    wanted = {
      services: [
        {
          identity: SERVICE,
          settings: { scheduler: 'wrr', slowStart: { seconds: 5 }, timeouts: { established: 60 }, rescheduleUdp: true },
          servers: [{ address: '10.3.0.12', port: 80, settings: { forwarding: 'gue', tunnelPort: 6080, weight: 3 } }],
        },
      ],
      marks: [{ mark: 1 }],
      timeouts: { ...now.timeouts, established: 77, udp: 78 },
      sysctls: { ...now.sysctls, sloppy_tcp: 1 },
    };
  });

  afterEach(async () => {
    await director.close();
  });

  for (const step of STEPS)
    it(`leaves everything as it was when ${step} fails`, () => {
      const before = heldBy(director);
      const steps = reconcile(before, wanted);
      assert.throws(() => putIntoForce(failing(director, step), steps), { message: `injected: ${step}` });
      assert.deepEqual(heldBy(director), before);
    });

  it('leaves timeouts and sysctls as they were when the engine refuses the tables', () => {
    const before = heldBy(director);
    const [service] = wanted.services;
    assert(service);
    service.settings = { scheduler: 'rr', slowStart: { seconds: 5 } };
    assert.throws(() => putIntoForce(director, reconcile(before, wanted)), /rr/);
    assert.deepEqual(heldBy(director), before);
  });

  it('brings all of it into force where nothing fails, and finds nothing to do afterwards', () => {
    putIntoForce(director, reconcile(heldBy(director), wanted));
    assert.deepEqual(reconcile(heldBy(director), wanted), []);
    const [service] = director.virtualServices;
    assert.deepEqual(
      [service?.scheduler, service?.slowStart, service?.timeouts, service?.rescheduleUdp],
      ['wrr', { seconds: 5 }, { established: 60 }, true],
    );
    assert.deepEqual(
      service?.realServers.map(({ address, forwarding, tunnelPort, weight }) => [
        address,
        forwarding,
        tunnelPort,
        weight,
      ]),
      [['10.3.0.12', 'gue', 6080, 3]],
    );
    assert.deepEqual([director.timeouts.tcp, director.timeouts.udp, director.sysctls.sloppy_tcp], [77, 78, 1]);
  });
});
