/** The ranges of the two schemas, of configuration files and of the control API, are those of the library. */
import { strict as assert } from 'node:assert';
import { z } from 'zod';
import { bareSchema, type JsonSchema } from '../../lib/config/schema/json-schema.js';
import { marks } from '../../lib/control/schema/director.js';
import { serverNew } from '../../lib/control/schema/server.js';
import { serviceNew } from '../../lib/control/schema/service.js';
import { checkedSyncOptions } from '../../lib/director/sync.js';
import { checkedOpenOptions } from '../../lib/director/director-options.js';
import { Director } from '../../lib/director/director.js';
import type { RealServerOptions } from '../../lib/values/server-options.js';
import type { VirtualServiceOptions } from '../../lib/director/service-options.js';
import { checkedMarkRules } from '../../lib/values/marks.js';
import { checkedPersistence } from '../../lib/values/persistence.js';
import { checkedSchedulerChoice } from '../../lib/values/scheduler-options.js';
import { checkedBehaviour } from '../../lib/values/service-behaviour.js';
import { checkedServiceKey } from '../../lib/values/service-key.js';
import {
  checkedServiceTimeouts,
  checkedTimeouts,
  MAX_TIMEOUT_SECONDS,
  timeoutStates,
} from '../../lib/values/timeouts.js';

interface IntegerField {
  path: string;
  minimum: number;
  maximum: number;
}

/** A duration's text, and a bare number, stand beside each other; the number has the range. */
function integersOf(schema: JsonSchema, path = ''): IntegerField[] {
  const { type, minimum, maximum, properties = {}, items, anyOf = [] } = schema;
  if (type === 'integer') {
    assert.ok(minimum !== undefined && maximum !== undefined, path);
    return [{ path, minimum, maximum }];
  }
  return [
    ...Object.entries(properties).flatMap(([name, each]) => integersOf(each, path === '' ? name : `${path}.${name}`)),
    ...(items ? integersOf(items, `${path}[]`) : []),
    ...anyOf.flatMap((each) => integersOf(each, path)),
  ];
}

const open = (options: object) => checkedOpenOptions({ source: '10.2.0.2', ...options });
const web = checkedServiceKey('service', { protocol: 'tcp', address: '192.0.2.1', port: 80 });
const key = (part: object) =>
  checkedServiceKey('service', { protocol: 'tcp', address: '192.0.2.1', port: 0, ...part } as VirtualServiceOptions);

function server(options: Partial<RealServerOptions>): void {
  const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
  try {
    const service = director.addVirtualService({ mark: 1 });
    service.addRealServer({ address: '10.3.0.11', ...options });
  } finally {
    void director.close();
  }
}

type Take = (value: number) => unknown;

const sync = (options: object) => checkedSyncOptions({ role: 'master', interface: 'eth1', ...options });

/** What takes a value of each field, or refuses it. */
const director: Record<string, Take> = {
  'device.queues': (queues) => open({ device: { queues } }),
  'device.maxPacketBytes': (maxPacketBytes) => open({ device: { maxPacketBytes } }),
  'markDevices[].mark': (mark) => open({ device: { queues: 1 }, markDevices: [{ mark }] }),
  // All devices together have no more queues than one may have.
  'markDevices[].queues': (queues) =>
    open({ device: { queues: 1 }, markDevices: [{ mark: 1, queues: queues - 1 || queues }] }),
  'setUpHost.mtuBytes': (mtuBytes) => open({ device: { maxPacketBytes: 65535 }, setUpHost: { mtuBytes } }),
  'setUpHost.txQueueLength': (txQueueLength) => open({ setUpHost: { txQueueLength } }),
  'setUpHost.neighbourNews.count': (count) => open({ setUpHost: { neighbourNews: { count } } }),
  'setUpHost.neighbourNews.againMs': (againMs) => open({ setUpHost: { neighbourNews: { againMs } } }),
  'setUpHost.neighbourNews.refreshMs': (refreshMs) => open({ setUpHost: { neighbourNews: { refreshMs } } }),
  'fullNat.firstPort': (firstPort) => open({ fullNat: { sources: '10.2.0.7', firstPort } }),
  'fullNat.lastPort': (lastPort) => open({ fullNat: { sources: '10.2.0.7', firstPort: 1, lastPort } }),
  pathMtu: (pathMtu) => open({ pathMtu, pathMtuFloor: 68 }),
  pathMtuFloor: (pathMtuFloor) => open({ pathMtu: 65535, pathMtuFloor }),
  maxConnections: (maxConnections) => open({ maxConnections }),
  hashSeed: (seed) => open({ hashSeed: BigInt(seed) }),
  busyPollUs: (busyPollUs) => open({ busyPollUs }),
  'cpus[]': (cpu) => open({ cpus: [cpu] }),
  'sync.syncid': (syncid) => sync({ syncid }),
  'sync.port': (port) => sync({ port }),
  'sync.ttl': (ttl) => sync({ ttl }),
  'sync.maxMessageBytes': (maxMessageBytes) => sync({ maxMessageBytes }),
  'marks[].mark': (mark) => checkedMarkRules('marks', [{ mark }]),
  'marks[].port': (port) => checkedMarkRules('marks', [{ mark: 1, port }]),
  'marks[].lastPort': (lastPort) => checkedMarkRules('marks', [{ mark: 1, port: 0, lastPort }]),
};

const service: Record<string, Take> = {
  port: (port) => key({ port }),
  lastPort: (lastPort) => key({ port: 1, lastPort }),
  mark: (mark) => checkedServiceKey('service', { mark }),
  'schedulerOptions.tableSize': (tableSize) =>
    checkedSchedulerChoice('service', { schedulerOptions: { tableSize } }, { scheduler: 'maglev', schedulerFlags: [] }),
  'persistence.timeoutSeconds': (timeoutSeconds) => checkedPersistence('service', { timeoutSeconds }, web),
  'persistence.netmask': (netmask) =>
    checkedPersistence('service', { netmask }, { ...web, address: netmask > 32 ? '2001:db8::1' : '192.0.2.1' }),
  'slowStart.seconds': (seconds) => checkedBehaviour('service', { slowStart: { seconds } }, {}),
};

const realServer: Record<string, Take> = {
  port: (port) => server({ port }),
  weight: (weight) => server({ weight }),
  tunnelPort: (tunnelPort) => server({ forwarding: 'gue', tunnelPort }),
  upperThreshold: (upperThreshold) => server({ upperThreshold }),
  lowerThreshold: (lowerThreshold) => server({ upperThreshold: 2 ** 31 - 1, lowerThreshold }),
};

const asJson = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;

const prefixed = (prefix: string, takes: Record<string, Take>) =>
  Object.fromEntries(Object.entries(takes).map(([name, take]) => [`${prefix}${name}`, take]));

/** Those of health are the monitor's. Others of what runs beside the director are the daemon's own, and DNS the file's. */
const isOthers = ({ path }: IntegerField) =>
  path.startsWith('control.') || path === 'services[].servers[].max' || /(?:^|\.)health\./.test(path);

function assertSame(fields: readonly IntegerField[], takes: Record<string, Take>): void {
  for (const { path, minimum, maximum } of fields) {
    const state = /(?:^|\.)timeouts\.(\w+)$/.exec(path)?.[1];
    const ofService = (value: number) => checkedServiceTimeouts('service', { [state as string]: value }, 'ip');
    const ofDirector = (value: number) => checkedTimeouts({ [state as string]: value });
    const take = state === undefined ? takes[path] : path.includes('services') ? ofService : ofDirector;
    assert.ok(take, `nothing here takes ${path}`);
    for (const value of [minimum, maximum]) assert.doesNotThrow(() => take(value), `${path}: ${value}`);
    // JSON has no larger integers.
    for (const value of [minimum - 1, maximum + 1])
      if (Number.isSafeInteger(value))
        assert.throws(() => take(value), { code: 'ERR_TUNVS_INVALID_ARGUMENT' }, `${path}: ${value}`);
  }
}

describe('the ranges of schemas', () => {
  it('are those of the library in configuration files', () => {
    const fields = integersOf(bareSchema()).filter((field) => !isOthers(field));
    assert.ok(fields.length > 40, `${fields.length} fields`);
    const servers = prefixed('services[].servers[].', realServer);
    const sorry = prefixed('services[].sorryServers[].', realServer);
    assertSame(fields, { ...director, ...prefixed('services[].', service), ...servers, ...sorry });
  });

  it('are those of the library in the control API', () => {
    const { realServers: _servers, timeouts: _timeouts, ...own } = serviceNew.shape;
    assertSame(integersOf(asJson(z.object(own))), service);
    const { address: _address, assignedWeight: _weight, ...ofServer } = serverNew.shape;
    // The API shows 0 for a server without a port, and takes it back.
    const tunnelPort: Take = (port) => port === 0 || realServer.tunnelPort?.(port);
    assertSame(integersOf(asJson(z.object(ofServer))), { ...realServer, tunnelPort });
    const { MarkRule } = asJson(z.object(marks.shape)).$defs as Record<string, JsonSchema>;
    assertSame(integersOf(MarkRule as JsonSchema, 'marks[]'), director);
    const seconds = { minimum: 0, maximum: MAX_TIMEOUT_SECONDS };
    assertSame(
      [...timeoutStates, 'tcp', 'tcpFin'].map((name) => ({ path: `timeouts.${name}`, ...seconds })),
      {},
    );
  });
});
