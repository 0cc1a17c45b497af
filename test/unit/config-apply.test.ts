import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpecError } from '../../lib/config/apply/mistakes.js';
import { applySpec, planSpec, SpecSession } from '../../lib/config/apply/spec-session.js';
import type { Spec } from '../../lib/config/spec.js';
import { Director } from '../../lib/director/director.js';
import { heldBy } from '../../lib/rules/wanted.js';
import { SOURCE, spec, WEB } from '../support/specs.js';

const WHOLE: Spec = {
  source: SOURCE,
  timeouts: { tcp: 600, synRecv: 20 },
  sysctls: { sloppy_tcp: 1 },
  marks: [{ mark: 1, destination: '192.0.2.0/28', port: 8080 }],
  services: [
    {
      ...WEB,
      scheduler: 'wrr',
      schedulerOptions: { stableCursor: true },
      persistence: { timeoutSeconds: 60, netmask: 24 },
      slowStart: { seconds: 10 },
      timeouts: { established: 77 },
      servers: [
        { address: '10.3.0.11', weight: 2, upperThreshold: 10 },
        { address: '10.3.0.12', forwarding: 'gue', tunnelPort: 6080, tunnelChecksum: 'remote' },
      ],
    },
    { protocol: 'udp', address: '192.0.2.1', port: 53, scheduler: 'sh', onePacket: true, rescheduleUdp: true },
    { mark: 1, scheduler: 'maglev', midStream: 'hash', servers: [{ address: '10.3.0.11' }] },
  ],
};

describe('applying a spec', () => {
  let director: Director;

  beforeEach(() => {
    director = Director.offline({ source: SOURCE, maxConnections: 1024 });
  });

  afterEach(async () => {
    await director.close();
  });

  it('brings about all that it says, and finds nothing to do afterwards', async () => {
    await applySpec(director, WHOLE);
    const [web, dns, marked] = director.virtualServices;
    assert.deepEqual(
      [web?.scheduler, web?.schedulerOptions, web?.persistence, web?.slowStart, web?.timeouts],
      [
        'wrr',
        { stableCursor: true },
        { timeoutSeconds: 60, netmask: '255.255.255.0' },
        { seconds: 10 },
        { established: 77 },
      ],
    );
    assert.deepEqual([dns?.onePacket, dns?.rescheduleUdp, marked?.midStream], [true, true, 'hash']);
    assert.deepEqual(
      web?.realServers.map((each) => [
        each.address,
        each.weight,
        each.forwarding,
        each.tunnelPort,
        each.tunnelChecksum,
      ]),
      [
        ['10.3.0.11', 2, 'ipip', 0, 'none'],
        ['10.3.0.12', 1, 'gue', 6080, 'remote'],
      ],
    );
    assert.deepEqual(
      [director.timeouts.tcp, director.stateTimeouts.synRecv, director.sysctls.sloppy_tcp],
      [600, 20, 1],
    );
    assert.equal(director.marks.length, 1);
    assert.deepEqual(await planSpec(director, WHOLE), []);
    assert.deepEqual(await applySpec(director, WHOLE), []);
  });

  it('undoes everything that the spec does not say', async () => {
    const before = heldBy(director);
    await applySpec(director, WHOLE);
    await applySpec(director, { source: SOURCE });
    assert.deepEqual(heldBy(director), before);
  });

  it('says in words and as data what would change, and changes nothing', async () => {
    await applySpec(
      director,
      spec({ ...WEB, scheduler: 'rr', servers: [{ address: '10.3.0.11' }, { address: '10.3.0.12' }] }),
    );
    const before = heldBy(director);
    const next = spec({
      ...WEB,
      scheduler: 'wrr',
      servers: [{ address: '10.3.0.13' }, { address: '10.3.0.12', weight: 4 }],
    });
    const plan = await planSpec(director, {
      ...next,
      sysctls: { sloppy_tcp: 1 },
      timeouts: { udp: 30 },
      marks: [{ mark: 7 }],
    });
    assert.deepEqual(
      plan.map(({ sentence }) => sentence),
      [
        'marks: none -> 7',
        'service tcp 192.0.2.1:80: scheduler rr -> wrr',
        'service tcp 192.0.2.1:80: server 10.3.0.11:80 is deleted',
        'service tcp 192.0.2.1:80: server 10.3.0.13:80 is added',
        'service tcp 192.0.2.1:80: server 10.3.0.12:80: weight 1 -> 4',
        'timeouts: udp 300 -> 30',
        'sysctl: sloppy_tcp 0 -> 1',
      ],
    );
    assert.deepEqual(JSON.parse(JSON.stringify(plan[4])), {
      change: 'edited',
      what: 'server',
      service: 'tcp 192.0.2.1:80',
      name: '10.3.0.12:80',
      before: { weight: 1 },
      after: { weight: 4 },
      sentence: 'service tcp 192.0.2.1:80: server 10.3.0.12:80: weight 1 -> 4',
    });
    assert.deepEqual(heldBy(director), before);
  });

  it('names all mistakes with their paths, and changes nothing', async () => {
    const before = heldBy(director);
    const wrong = {
      ...spec(
        { ...WEB, servers: [{ address: '10.3.0.11' }, { address: '10.3.0.11' }, { address: '2001:db8::1' }] },
        { ...WEB, port: 81, scheduler: 'rr', slowStart: { seconds: 5 } },
        { ...WEB, port: 82, servers: [{ address: '10.3.0.12' }] },
        { ...WEB, address: SOURCE },
      ),
      sysctls: { nonsense: 1 },
    };
    await assert.rejects(applySpec(director, wrong), (error: SpecError) => {
      assert(error instanceof SpecError);
      assert.deepEqual(
        error.mistakes.map(({ path }) => path),
        ['services[0].servers[1]', 'services[0].servers[2]', 'services[1]', 'services[3]', 'sysctls.nonsense'],
      );
      for (const { path, message } of error.mistakes) assert(error.message.includes(`${path}: ${message}`));
      return true;
    });
    assert.deepEqual(heldBy(director), before);
  });

  it('finds the mistakes of services with very many servers, and applies them once they are mended', async () => {
    const servers = Array.from({ length: 1_200 }, (_, index) => ({ address: `10.4.${index >> 8}.${index & 255}` }));
    const wrong = servers.map((each, index) => (index % 600 === 599 ? { address: '2001:db8::1' } : each));
    const big = { ...WEB, scheduler: 'wrr' as const };
    await assert.rejects(
      applySpec(director, spec({ ...big, servers: wrong }, { ...big, servers })),
      (error: SpecError) => {
        assert.deepEqual(
          error.mistakes.map(({ path }) => path),
          ['services[0].servers[599]', 'services[0].servers[1199]', 'services[1]'],
        );
        return true;
      },
    );
    await applySpec(director, spec({ ...big, servers }));
    assert.deepEqual(
      director.virtualService(WEB)?.realServers.map(({ address }) => address),
      servers.map(({ address }) => address),
    );
  });

  it('names the file and the line of each mistake, of its first value, or of what holds it', async () => {
    const at = (line: number) => ({ file: 'web.yaml', line, column: 3 });
    const origins = new Map([
      ['services[0].servers[0].address', at(4)],
      ['services[1]', at(8)],
      ['sysctls', at(1)],
    ]);
    const wrong = {
      ...spec({ ...WEB, servers: [{ address: '2001:db8::1' }] }, { ...WEB, address: SOURCE }),
      sysctls: { nonsense: 1 },
    };
    await assert.rejects(applySpec(director, wrong, { origins }), (error: SpecError) => {
      const places = error.message.split('\n').map((line) => line.split(': ', 2).join(' '));
      assert.deepEqual(places, [
        'web.yaml:4:3 services[0].servers[0]',
        'web.yaml:8:3 services[1]',
        'web.yaml:1:3 sysctls.nonsense',
      ]);
      return true;
    });
  });

  it('adds servers in the order of the file, and leaves the order of those that are there', async () => {
    const servers = (...hosts: number[]) =>
      spec({ ...WEB, servers: hosts.map((host) => ({ address: `10.3.0.${host}` })) });
    const order = () => director.virtualService(WEB)?.realServers.map(({ address }) => Number(address.split('.')[3]));
    await applySpec(director, servers(3, 1, 2));
    assert.deepEqual(order(), [3, 1, 2]);
    await applySpec(director, servers(5, 2, 1, 4));
    assert.deepEqual(order(), [1, 2, 5, 4]);
  });
});

describe('a policy that a spec names', () => {
  let director: Director;
  let session: SpecSession;
  let folder: string;
  const library = new URL('../../lib/index.js', import.meta.url).href;
  const closed: string[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunvs-policy-'));
    director = Director.offline({ source: SOURCE, maxConnections: 1024 });
    session = new SpecSession(director);
    closed.length = 0;
    Object.assign(globalThis, { closedPolicies: closed });
  });

  afterEach(async () => {
    await director.close();
    await session.close();
    await rm(folder, { recursive: true });
  });

  const write = (name: string, exported = 'export const policy') =>
    writeFile(
      join(folder, 'tenants.mjs'),
      `import { weightsPolicy } from '${library}';
      ${exported} = weightsPolicy(() => [], { name: '${name}' });
      export const close = () => globalThis.closedPolicies.push('${name}');`,
    );
  const apply = (policy = './tenants.mjs') => {
    const origin = { file: join(folder, 'web.yaml'), line: 1, column: 1 };
    const origins = new Map([['services[0].policy', origin]]);
    return session.apply({ spec: spec({ ...WEB, policy }), origins });
  };
  const inForce = () => director.virtualService(WEB)?.policy;

  it('comes from its module beside the file, and stays the same one while its text is the same', async () => {
    await write('first');
    await apply();
    const first = inForce();
    assert.equal(first?.name, 'first');
    await write('first');
    assert.deepEqual(await apply(), []);
    assert.equal(inForce(), first);
    assert.deepEqual(closed, []);
  });

  it('is imported again when its text has changed, even back to what it was; the one before is closed', async () => {
    for (const name of ['first', 'second', 'first']) {
      await write(name);
      assert.equal((await apply()).length, 1);
      assert.equal(inForce()?.name, name);
    }
    assert.deepEqual(closed, ['first', 'second']);
  });

  it('is a mistake of the spec when it cannot be had, and what was in force stays', async () => {
    await write('first');
    await apply();
    const first = inForce();
    for (const [text, message] of [
      [
        'throw new Error("no tenants")',
        /services\[0\]\.policy: the policy's module .* cannot be imported \(no tenants\)/,
      ],
      ['export const policy = (', /cannot be imported/],
      ['export const policy = () => 1', /has no policy: export one made by tablePolicy\(\)/],
    ] as const) {
      await writeFile(join(folder, 'tenants.mjs'), text);
      await assert.rejects(apply(), message);
      assert.equal(inForce(), first);
    }
    await assert.rejects(apply('./nobody.mjs'), /nobody\.mjs cannot be read/);
    assert.deepEqual(closed, []);
  });

  it('may be a default export', async () => {
    await writeFile(
      join(folder, 'tenants.mjs'),
      `import { weightsPolicy } from '${library}';\nexport default weightsPolicy(() => [], { name: 'usual' });`,
    );
    await apply();
    assert.equal(inForce()?.name, 'usual');
  });
});
