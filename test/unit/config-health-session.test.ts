/** What a session of specs tells a monitor: what is new or changed, and nothing of what is as it was. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SessionOptions, SpecSession } from '../../lib/config/index.js';
import type { ServiceSpec, Spec } from '../../lib/config/spec.js';
import { Director } from '../../lib/director/director.js';
import type { VirtualService } from '../../lib/director/virtual-service.js';
import type { HealthOptions, MonitorOptions } from '../../lib/health/options.js';
import { serverName } from '../../lib/values/server-options.js';
import { SOURCE, spec, WEB } from '../support/specs.js';

class FakeMonitor {
  made: MonitorOptions[] = [];
  told: string[] = [];
  watched = new Map<VirtualService, HealthOptions>();
  refuses = false;

  watch(service: VirtualService, options: HealthOptions): void {
    if (this.refuses) throw new Error('it is refused');
    this.told.push(`watch ${service.address}`);
    this.watched.set(service, options);
  }

  unwatch(service: VirtualService): void {
    this.told.push(`unwatch ${service.address}`);
    this.watched.delete(service);
  }

  /** What each server of a service has otherwise. */
  own(service: VirtualService): unknown[] {
    return service.realServers.map((server) => [serverName(server), this.watched.get(service)?.forServer?.(server)]);
  }
}

const checked = (more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  ...WEB,
  health: { check: 'tcp' },
  servers: [{ address: '10.3.0.11' }],
  ...more,
});

describe('a session of specs with a monitor', () => {
  let director: Director;
  let session: SpecSession;
  let monitor: FakeMonitor;
  let warnings: string[];
  let options: SessionOptions;

  beforeEach(() => {
    director = Director.offline({ source: SOURCE, maxConnections: 1024 });
    monitor = new FakeMonitor();
    warnings = [];
    options = {
      monitor: (given) => {
        monitor.made.push(given);
        return monitor;
      },
      warning: (sentence) => warnings.push(sentence),
    };
    session = new SpecSession(director, options);
  });

  afterEach(async () => {
    await director.close();
    await session.close();
  });

  const apply = async (next: Spec) => (await session.apply({ spec: next })).map(({ sentence }) => sentence);
  const told = () => monitor.told.splice(0);

  it('makes none for a configuration without health', async () => {
    await apply(spec({ ...WEB }));
    assert.deepEqual(monitor.made, []);
  });

  it('makes one with the options of the file, and watches what is checked', async () => {
    await apply({ ...spec(checked(), { ...WEB, port: 81 }), health: { atOnce: 7 } });
    assert.deepEqual([monitor.made, told()], [[{ atOnce: 7 }], ['watch 192.0.2.1']]);
  });

  it('tells it again only of what has changed', async () => {
    const other = checked({ address: '192.0.2.2' });
    await apply(spec(checked(), other));
    told();
    assert.deepEqual(await apply(spec(checked({ scheduler: 'rr' }), other)), [
      'service tcp 192.0.2.1:80: scheduler wlc -> rr',
    ]);
    assert.deepEqual(told(), []);
    const changes = await apply(spec(checked({ scheduler: 'rr', health: { check: 'tcp', rise: 5 } }), other));
    assert.deepEqual(changes, ['service tcp 192.0.2.1:80: health: rise none -> 5']);
    assert.deepEqual(told(), ['watch 192.0.2.1']);
  });

  it('tells it when a service is no longer checked', async () => {
    await apply(spec(checked()));
    told();
    const changes = await apply(spec(checked({ health: false })));
    assert.deepEqual(changes, ['service tcp 192.0.2.1:80: health: checks [{"check":"tcp"}] -> no checks']);
    assert.deepEqual(told(), ['unwatch 192.0.2.1']);
  });

  it('watches a service anew that was deleted meanwhile', async () => {
    await apply(spec(checked()));
    await apply(spec());
    told();
    await apply(spec(checked()));
    assert.deepEqual(told(), ['watch 192.0.2.1']);
  });

  it('says what a server has otherwise than its service, also when it is new', async () => {
    const servers = [{ address: '10.3.0.11' }, { address: '10.3.0.12', health: false as const }];
    await apply(spec(checked({ servers })));
    const [web] = director.virtualServices as [VirtualService];
    const at = (service: VirtualService) => new Map(monitor.own(service) as [string, { checks?: object[] } | false][]);
    assert.deepEqual([at(web).get('10.3.0.11:80'), at(web).get('10.3.0.12:80')], [undefined, false]);
    const changes = await apply(
      spec(checked({ servers: [...servers, { address: '10.3.0.13', health: { port: 99 } }] })),
    );
    assert.deepEqual(changes, [
      'service tcp 192.0.2.1:80: server 10.3.0.13:80 is added',
      'service tcp 192.0.2.1:80: server 10.3.0.13: health: as the service says -> port 99',
    ]);
    assert.deepEqual(at(web).get('10.3.0.12:80'), false);
    const own = at(web).get('10.3.0.13:80');
    assert.equal(
      own && JSON.stringify(own.checks),
      '[{"check":{"kind":"tcp","identity":"tcp {\\"port\\":99}","needsWay":true,"closesAll":true}}]',
    );
  });

  it('says a change that needs a restart, and does not print what is secret', async () => {
    const webhook = (token: string) => ({ notify: { webhook: { url: 'http://a.example', headers: { token } } } });
    await apply({ ...spec(checked()), health: webhook('eins') });
    assert.deepEqual(await apply({ ...spec(checked()), health: webhook('eins') }), []);
    const [change] = await session.plan({ spec: { ...spec(checked()), health: { ...webhook('eins'), atOnce: 5 } } });
    assert.equal(change?.sentence, 'health.atOnce needs a restart: it stays as it is until then');
    assert.doesNotMatch(JSON.stringify(change), /eins/);
  });

  it('warns of a service that the monitor refuses', async () => {
    monitor.refuses = true;
    await apply(spec(checked()));
    assert.deepEqual(warnings, ['service tcp 192.0.2.1:80 is not checked: it is refused']);
  });

  it('imports the module of a check, and imports it again when its text has changed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tunvs-check-'));
    try {
      const file = join(folder, 'check.mjs');
      writeFileSync(file, 'export default async () => {};');
      const next = spec(checked({ health: { check: file } }));
      await apply(next);
      await apply(next);
      assert.deepEqual(told(), ['watch 192.0.2.1']);
      writeFileSync(file, 'export const check = async () => {}; // another');
      await apply(next);
      assert.deepEqual(told(), ['watch 192.0.2.1']);
      writeFileSync(file, 'export const other = 1;');
      await assert.rejects(apply(next), /health: the module \S+ has no check: export an async function/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
