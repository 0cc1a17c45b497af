/** Every field of a server, a service and full NAT arrives at the director, and comes back in every form that there is. */
import { strict as assert } from 'node:assert';
import { applySpec, SpecSession } from '../../lib/config/apply/spec-session.js';
import { openOptionsOf } from '../../lib/config/library-options.js';
import { shownValues } from '../../lib/config/print-spec.js';
import { rulesFromSpec } from '../../lib/config/rules-from-spec.js';
import { directorFields } from '../../lib/config/schema/director.js';
import { serverSchema, serviceSchema } from '../../lib/config/schema/service.js';
import { specFromRules } from '../../lib/config/spec-from-rules.js';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { checkedOpenOptions } from '../../lib/director/director-options.js';
import { RulesSession } from '../../lib/rules/session.js';
import { callAdm } from '../support/adm.js';
import { parsed } from '../support/configs.js';
import { testedApi } from '../support/control.js';

interface Field {
  value: unknown;
  /** What is there before an edit to `value`; undefined where the field is left out. */
  before?: unknown;
  /** What has to stand beside it, in its own map. */
  beside?: Record<string, unknown>;
  /** What has to stand in the service of a server. */
  service?: Record<string, unknown>;
  /** Rules have no word for it. */
  isUnsaid?: true;
}

const SERVERS: Readonly<Record<string, Field>> = {
  port: { value: 8080, beside: { forwarding: 'nat' } },
  weight: { value: 7 },
  forwarding: { value: 'gre' },
  tunnelPort: { value: 6081, before: 6080, beside: { forwarding: 'gue' } },
  clientAddress: { value: 'proxy', beside: { forwarding: 'snat' } },
  tunnelChecksum: { value: 'checksum', beside: { forwarding: 'gre' } },
  upperThreshold: { value: 9 },
  lowerThreshold: { value: 3, beside: { upperThreshold: 9 } },
};
/** They name the server, or say what is done beside the director. */
const NOT_OF_SERVERS = ['address', 'dns', 'refresh', 'max', 'health'];

const SERVICES: Readonly<Record<string, Field>> = {
  scheduler: { value: 'rr' },
  schedulerFlags: { value: ['sh-port'], beside: { scheduler: 'sh' } },
  schedulerOptions: { value: { tableSize: 251 }, beside: { scheduler: 'maglev' }, isUnsaid: true },
  persistence: { value: { timeoutSeconds: 60 } },
  onePacket: { value: true, beside: { protocol: 'udp', scheduler: 'rr' } },
  timeouts: { value: { established: 77 }, isUnsaid: true },
  midStream: { value: 'hash', beside: { scheduler: 'maglev' }, isUnsaid: true },
  slowStart: { value: { seconds: 9 }, beside: { scheduler: 'wrr' }, isUnsaid: true },
  rescheduleUdp: { value: true, beside: { protocol: 'udp' }, isUnsaid: true },
  announce: { value: 'when-up', isUnsaid: true },
};
/** They name the service, are modules, or stand for what is no setting of its own. */
const NOT_OF_SERVICES = [
  ...['protocol', 'address', 'port', 'lastPort', 'mark', 'family'],
  ...['policy', 'health', 'servers', 'sorryServers'],
];

const FULL_NAT = { sources: ['10.2.9.0/30'], firstPort: 5000, lastPort: 6000 };
const HEAD = { source: '10.2.0.2', fullNat: FULL_NAT };

type Part = 'server' | 'service';

/** A configuration with one service and one server, one of which has the field. */
function configOf(part: Part, name: string, field: Field, value: unknown) {
  const given = { ...field.beside, ...(value !== undefined && { [name]: value }) };
  const server = { address: '10.3.0.11', ...(part === 'server' && given) };
  const service = { protocol: 'tcp', address: '192.0.2.1', port: 80, ...(part === 'service' && given) };
  return parsed(JSON.stringify({ ...HEAD, services: [{ ...service, servers: [server] }] }));
}

function fresh(): OfflineDirector {
  return Director.offline({ source: HEAD.source, fullNat: FULL_NAT, maxConnections: 1024 });
}

/** What a director says of the field, by the handle and by its figures. */
function heldIn(director: Director, part: Part, name: string): unknown {
  const [service] = director.virtualServices;
  const handle = part === 'service' ? service : service?.realServers[0];
  assert.ok(handle, 'the director has what the configuration says');
  const figures = director.stats().services[0];
  const row = (part === 'service' ? figures : figures?.servers[0]) as object;
  const held = handle[name as keyof typeof handle] as unknown;
  if (Object.hasOwn(row, name)) assert.deepEqual((row as Record<string, unknown>)[name], held, 'its figures');
  return held;
}

for (const [part, fields] of [
  ['server', SERVERS],
  ['service', SERVICES],
] as const) {
  for (const [name, field] of Object.entries(fields)) {
    describe(`the field ${name} of a ${part}`, () => {
      const config = configOf(part, name, field, field.value);
      const isThere = (director: Director) => assert.deepEqual(heldIn(director, part, name), field.value);

      it('arrives at the director', async () => {
        await using director = fresh();
        await applySpec(director, config.spec);
        isThere(director);
      });

      it('arrives by a reload, and goes by the next', async () => {
        if (name === 'port') return;
        await using director = fresh();
        const before = configOf(part, name, field, field.before);
        const session = new SpecSession(director);
        await session.apply(before);
        const held = heldIn(director, part, name);
        for (const next of [config, before]) {
          const changes = await session.apply(next);
          const told = changes.map(({ change, what, after = {} }) => [change, what, Object.hasOwn(after, name)]);
          assert.deepEqual(told, [['edited', part, true]]);
          if (next === config) isThere(director);
          else assert.deepEqual(heldIn(director, part, name), held);
        }
        assert.notDeepEqual(held, field.value, 'the test changes something');
        await session.close();
      });

      it('comes back by -S --all and -R', async () => {
        if (field.isUnsaid) return;
        await using director = fresh();
        await using again = fresh();
        await applySpec(director, config.spec);
        const { out } = await callAdm(new RulesSession(director), '-S --all -n');
        assert.equal((await callAdm(new RulesSession(again), '-R', { stdin: out })).text, '');
        isThere(again);
      });

      it('comes back by the control API', async () => {
        const [from, to] = [testedApi(), testedApi()];
        await applySpec(from.director, config.spec);
        const [shown] = (await from.ask('GET', '/v1/services')).json.services;
        assert.deepEqual((await to.ask('PUT', `/v1/services/${shown.id}`, shown)).status, 201);
        isThere(to.director);
        await Promise.all([from.director.close(), to.director.close()]);
      });

      it('becomes a rule and a field again, or is said to be lost', () => {
        const { rules, lost } = rulesFromSpec(config.spec);
        const path = part === 'server' ? `services[0].servers[0].${name}` : `services[0].${name}`;
        const paths = lost.map((each) => each.path).filter((each) => each.startsWith('services'));
        assert.deepEqual(paths, field.isUnsaid ? [path] : []);
        if (field.isUnsaid) return;
        const { spec } = specFromRules(rules.map((rule, line) => ({ rule, place: { file: 'r', line } })));
        const [service] = spec.services ?? [];
        const given = (part === 'service' ? service : service?.servers?.[0]) as Record<string, unknown>;
        assert.deepEqual(given[name], field.value);
      });

      it('is shown by config show', () => {
        const path = part === 'server' ? `services[0].servers[0].${name}` : `services[0].${name}`;
        const shown = shownValues(config.spec, config.origins).map((each) => each.path);
        assert.ok(
          shown.some((each) => each.startsWith(path)),
          shown.join(' '),
        );
      });
    });
  }
}

describe('the fields of full NAT', () => {
  for (const [name, value] of Object.entries(FULL_NAT))
    it(`${name} arrives at the director, and is shown`, async () => {
      const { spec, origins } = configOf('server', 'weight', {} as Field, 1);
      const { fullNat } = openOptionsOf(spec);
      await using director = Director.offline({ source: HEAD.source, ...(fullNat && { fullNat }) });
      assert.deepEqual(director.fullNat?.[name as keyof typeof FULL_NAT], value);
      const { natSources, natFirstPort, natLastPort } = checkedOpenOptions(openOptionsOf(spec)).native;
      assert.deepEqual({ sources: natSources, firstPort: natFirstPort, lastPort: natLastPort }, FULL_NAT);
      assert.ok(shownValues(spec, origins).some(({ path }) => path.startsWith(`fullNat.${name}`)));
    });
});

describe('the fields of the schema', () => {
  it('are all tried here', () => {
    const tried = (fields: object, others: readonly string[]) => [...Object.keys(fields), ...others].sort();
    assert.deepEqual(tried(SERVERS, NOT_OF_SERVERS), Object.keys(serverSchema.shape).sort());
    assert.deepEqual(tried(SERVICES, NOT_OF_SERVICES), Object.keys(serviceSchema.shape).sort());
    assert.deepEqual(Object.keys(FULL_NAT).sort(), Object.keys(directorFields.fullNat.unwrap().shape).sort());
  });
});
