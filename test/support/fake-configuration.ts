/** A configuration whose native part and host record their calls and can be told to refuse. */
import { strict as assert } from 'node:assert';
import { Configuration } from '../../lib/director/configuration.js';
import type { ConfigurationEvent } from '../../lib/director/events.js';
import type { EngineEvent } from '../../lib/values/engine-event.js';
import type { AddressFamily } from '../../lib/values/inet.js';
import type { NatServer } from '../../lib/host/nat/nat-server.js';
import type { NativeEnded } from '../../lib/native/director.js';
import type { NativeServerRow, NativeServiceRow } from '../../lib/native/rows.js';
import type { NativeOperation } from '../../lib/native/operations.js';
import type { NativeServerKey, NativeServiceKey } from '../../lib/native/services.js';
import { ManualPulse } from '../../lib/director/pulse.js';

export interface FakeConfiguration {
  configuration: Configuration;
  /** Each list of operations that came into force. */
  applied: NativeOperation[][];
  /** Addresses that the host directs to the device now. */
  routes: Set<string>;
  /** Addresses that the host's own services have as well. */
  localNodes: Set<string>;
  /** Real servers whose replies the host brings to the director. */
  natServers: readonly NatServer[];
  natSources: readonly string[];
  /** What has no route, and is the director's all the same. */
  heldBack: ReadonlySet<string>;
  /** Those that the native part has, or has not forgotten. */
  knownNatServers: readonly NatServer[];
  /** The host's own addresses. */
  ownAddresses: Set<string>;
  told: ConfigurationEvent[];
  /** What was odd on the host. */
  said: string[];
  reported: EngineEvent[];
  pulse: ManualPulse;
  /** What the native part reports, for stats and drains. */
  rows: NativeServiceRow[];
  /** The next apply throws this. */
  refuseApply: Error | undefined;
  /** Addresses that the host refuses to direct to the device. */
  refusedVips: Set<string>;
  isClosed: boolean;
  nowMs: number;
  /** Whose connections were ended, and what that does. */
  ended: [NativeServiceKey, NativeServerKey][];
  endConnections(cursor: number): NativeEnded;
}

export function fakeConfiguration({ sourceFamilies = [4, 6] as AddressFamily[] } = {}): FakeConfiguration {
  const fake: Omit<FakeConfiguration, 'configuration'> = {
    applied: [],
    routes: new Set(),
    localNodes: new Set(),
    natServers: [],
    natSources: [],
    heldBack: new Set(),
    knownNatServers: [],
    ownAddresses: new Set(),
    told: [],
    said: [],
    reported: [],
    pulse: new ManualPulse(),
    rows: [],
    refuseApply: undefined,
    refusedVips: new Set(),
    isClosed: false,
    nowMs: 0,
    ended: [],
    endConnections: () => ({ ended: 0, next: -1 }),
  };
  const configuration = new Configuration({
    apply: (operations) => {
      if (fake.refuseApply) throw fake.refuseApply;
      fake.applied.push(operations);
    },
    assertOpen: () => {
      if (fake.isClosed) throw new Error('closed');
    },
    serviceRow: (service) => fake.rows.find((row) => row.address === service.address && row.port === service.port),
    serverRow: (service, server) =>
      fake.rows
        .find((row) => row.address === service.address && row.port === service.port)
        ?.servers.find((row) => row.address === server.address && row.port === server.port),
    sourceFamilies,
    sources: [],
    isLocal: (address) => fake.ownAddresses.has(address),
    vipRoutes: {
      addVips: (addresses) => {
        const refused = addresses.find((address) => fake.refusedVips.has(address));
        if (refused !== undefined) throw new Error(`${refused} is refused`);
        for (const address of addresses) fake.routes.add(address);
      },
      removeVips: (addresses) => {
        for (const address of addresses) {
          assert.ok(!fake.localNodes.has(address), `${address} is a local node still`);
          fake.routes.delete(address);
        }
      },
      addLocalNode: (address) => {
        assert.ok(fake.routes.has(address), `${address} is not directed to the device`);
        fake.localNodes.add(address);
      },
      removeLocalNode: (address) => fake.localNodes.delete(address),
      setNatServers: (servers) => {
        fake.natServers = servers;
      },
      setNatSources: (sources) => {
        fake.natSources = sources;
      },
      holdBack: (addresses) => {
        fake.heldBack = addresses;
      },
    },
    natServers: { known: () => fake.knownNatServers, every: (intervalMs, run) => fake.pulse.every(intervalMs, run) },
    warnOfHost: (message) => fake.said.push(message),
    tell: (event) => fake.told.push(event),
    nextPulse: (signal) => fake.pulse.next(signal),
    monotonicMs: () => fake.nowMs,
    endConnections: (service, server, cursor) => {
      fake.ended.push([service, server]);
      return fake.endConnections(cursor);
    },
    policies: {
      every: (intervalMs, run) => fake.pulse.every(intervalMs, run),
      nowMs: () => fake.pulse.nowMs(),
      report: (event) => fake.reported.push(event),
    },
  });
  return Object.assign(fake, { configuration });
}

export function serviceRow(servers: NativeServerRow[] = [], row: Partial<NativeServiceRow> = {}): NativeServiceRow {
  const traffic = { connections: 0n, inPackets: 0n, inBytes: 0n, outPackets: 0n, outBytes: 0n };
  return {
    protocol: 6,
    address: '192.0.2.1',
    port: 80,
    scheduler: 'wlc',
    schedulerFlags: [],
    ...traffic,
    ...row,
    servers,
  };
}

export function serverRow(row: Partial<NativeServerRow> = {}): NativeServerRow {
  return {
    id: 1,
    address: '10.0.0.11',
    port: 80,
    forwarding: 'ipip',
    tunnelPort: 0,
    tunnelChecksum: 'none',
    clientAddress: 'none',
    weight: 1,
    effectiveWeight: 1,
    isUp: true,
    isDraining: false,
    upperThreshold: 0,
    lowerThreshold: 0,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
    overloaded: false,
    pathMtu: 1500,
    tooBig: 0n,
    fragmentsSent: 0n,
    repeatedOpenings: 0n,
    clientResets: 0n,
    tunnelErrors: 0n,
    connections: 0n,
    inPackets: 0n,
    inBytes: 0n,
    outPackets: 0n,
    outBytes: 0n,
    ...row,
  };
}
