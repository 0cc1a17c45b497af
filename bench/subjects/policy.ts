/** Measures a connection policy on one worker: a flood of new connections in memory, each decided by JavaScript. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Configuration } from '../../lib/director/configuration.js';
import { connectionPolicy, type Policy } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { policyTurns } from '../../lib/policy/turns.js';
import { ClockPulse } from '../../lib/director/pulse.js';
import { nativeBench } from '../native-bench.js';
import type { Figures, OpenSubject } from '../subject.js';

export interface PolicyTrial {
  /**
   * `batch` is decideBatch; `each` is decide, with an object for each connection; `none` is the native scheduler alone.
   */
  decide: 'batch' | 'each' | 'none';
  servers: number;
  connections: number;
  /** The most connections that wait for an answer. */
  window: number;
}

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const GIVE_UP_MS = 60_000;

/** Both choose by the client's address and port, so that each connection is examined. */
const POLICIES: Record<PolicyTrial['decide'], () => Policy | undefined> = {
  batch: () =>
    connectionPolicy(
      {
        decideBatch: (batch) => {
          const { length } = batch.servers;
          for (let row = 0; row < batch.length; row++)
            batch.choose(row, (batch.clientNumber(row) + (batch.clientPorts[row] as number)) % length);
        },
      },
      { deadlineMs: 10_000 },
    ),
  each: () =>
    connectionPolicy(({ clientNumber, clientPort, servers }) => servers[(clientNumber + clientPort) % servers.length], {
      deadlineMs: 10_000,
    }),
  none: () => undefined,
};

export const openPolicy: OpenSubject<PolicyTrial> = async ({ decide, servers, connections, window }, { isQuick }) => ({
  async run(index): Promise<Figures> {
    const flooded = isQuick ? connections / 8 : connections;
    const engine = new native.Engine({
      maxConnections: 2 * flooded,
      workers: 1,
      sources: ['10.0.0.1'],
      pathMtu: 1500,
      pathMtuFloor: 552,
      pingReply: 'always',
      noServerReply: 'unreachable',
      unmatchedReplies: 'drop',
      natSources: [],
      natFirstPort: 1024,
      natLastPort: 65535,
      seed: BigInt(index + 2),
    });
    const pulse = new ClockPulse(1000);
    const configuration = new Configuration({
      apply: (operations) => engine.apply(operations),
      assertOpen: () => {},
      serviceRow: (service) => engine.service(service),
      serverRow: (service, server) => engine.server(service, server),
      sources: [],
      sourceFamilies: [4],
      isLocal: () => false,
      vipRoutes: undefined,
      natServers: { known: () => [], every: () => () => {} },
      tell: () => {},
      nextPulse: (signal) => pulse.next(signal),
      monotonicMs: () => pulse.nowMs(),
      endConnections: () => ({ ended: 0, next: -1 }),
      policies: {
        every: (intervalMs, run) => pulse.every(intervalMs, run),
        nowMs: () => pulse.nowMs(),
        report: ({ message }) => {
          throw new Error(message);
        },
      },
    });
    const columns = engine.onPolicies(configuration.policies.answer, policyTurns(engine));
    configuration.policies.connect(() => columns);
    const policy = POLICIES[decide]();
    const service = configuration.addVirtualService({ ...SERVICE, scheduler: 'rr', ...(policy && { policy }) });
    configuration.transaction(() => {
      for (let i = 0; i < servers; i++) service.addRealServer({ address: `10.0.1.${i + 1}` });
    });
    try {
      const progress = nativeBench.synFlood(engine, {
        virtualAddress: SERVICE.address,
        port: SERVICE.port,
        connections: flooded,
        window,
      });
      const ns = await finished(progress);
      const answered = service.policy?.counters.answered ?? BigInt(flooded);
      if (answered !== BigInt(flooded))
        throw new Error(`the policy answered ${answered} of ${flooded}, so the run does not count`);
      const perConnection = ns / flooded;
      return { connectionsPerSecond: 1e9 / perConnection, nsPerConnection: perConnection };
    } finally {
      configuration.policies.stop();
      pulse.stop();
      engine.close();
    }
  },
  async close() {},
});

async function finished(progress: () => { ns: bigint }): Promise<number> {
  for (const endMs = performance.now() + GIVE_UP_MS; performance.now() < endMs; await sleep(2)) {
    const { ns } = progress();
    if (ns > 0n) return Number(ns);
  }
  throw new Error(`not all connections went on within ${GIVE_UP_MS} ms, so the run does not count`);
}
