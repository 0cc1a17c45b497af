/** Measures what calls of the library cost the event loop, on an offline director with some configuration. */
import Benchmark from 'benchmark';
import { parseConfig } from '../../lib/config/index.js';
import { Director, type OfflineDirector, schedulers } from '../../lib/index.js';
import { metricsText } from '../../lib/metrics/index.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { canonicalAddress } from '../../lib/values/inet.js';
import type { OpenSubject } from '../subject.js';

export interface JsTrial {
  call: keyof typeof CALLS;
  services: number;
  serversPerService: number;
}

const ADDRESSES = Array.from({ length: 1000 }, (_, i) =>
  i % 2 === 0 ? `10.0.${i >> 8}.${i & 255}` : `2001:db8::${i}`,
);

/** A service for each nine servers. */
const RULES = Array.from({ length: 1000 }, (_, i) => {
  const service = `-t 192.0.2.1:${1 + Math.floor(i / 10)}`;
  return i % 10 === 0 ? `-A ${service} -s wlc` : `-a ${service} -r 10.0.${i >> 8}.${i & 255}:80 -i -w ${i % 10}`;
}).join('\n');

const CONFIGURATION = [
  'source: 10.0.0.1',
  'services:',
  ...Array.from({ length: 100 }, (_, i) => [
    `  - listen: tcp 192.0.2.1:${1 + i}`,
    `    servers: [${Array.from({ length: 10 }, (_, j) => `10.0.${i}.${j + 1}`).join(', ')}]`,
  ]).flat(),
].join('\n');

/** Each makes the timed call once. */
const CALLS = {
  'parse of 1000 addresses': () => () => {
    for (const address of ADDRESSES)
      if (canonicalAddress(address) === undefined) throw new Error(`${address} is refused, so the run does not count`);
  },
  'parse of 1000 rules': () => () => {
    parseRules(RULES, { file: 'bench', support: { schedulers, sysctlNames: [] }, isTimed: false });
  },
  'configuration of 100 services': () => () => {
    const parsed = parseConfig(CONFIGURATION, { path: 'bench.yaml' });
    if ('mistakes' in parsed) throw new Error(`${parsed.mistakes[0]?.message}, so the run does not count`);
  },
  metrics: (director: OfflineDirector) => () => {
    let length = 0;
    for (const piece of metricsText(director)) length += piece.length;
    if (length === 0) throw new Error('there were no metrics, so the run does not count');
  },
  stats: (director: OfflineDirector) => () => director.stats(),
  'weight change': (director: OfflineDirector) => {
    const server = director.virtualServices[0]?.realServers[0];
    let weight = 1;
    return () => {
      weight = 3 - weight;
      server?.edit({ weight });
    };
  },
  'transaction of 100 servers': (director: OfflineDirector) => {
    const web = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.200', port: 80 });
    const addresses = Array.from({ length: 100 }, (_, i) => `10.200.0.${i + 1}`);
    return () =>
      director.transaction(() => {
        for (const server of web.realServers) server.delete();
        for (const address of addresses) web.addRealServer({ address });
      });
  },
};

export const openJs: OpenSubject<JsTrial> = async ({ call, services, serversPerService }, { isQuick }) => {
  const director = Director.offline({ source: '10.0.0.1', maxConnections: 1024 });
  director.transaction((t) => {
    for (let i = 0; i < services; i++) {
      const service = t.addVirtualService({
        protocol: 'tcp',
        address: `192.0.${2 + (i >> 12)}.1`,
        port: 1 + (i & 4095),
      });
      for (let j = 0; j < serversPerService; j++) service.addRealServer({ address: `10.0.${j >> 8}.${(j & 255) + 1}` });
    }
  });
  const timed = CALLS[call](director);
  return {
    run: () =>
      new Promise((resolve, reject) => {
        const benchmark = new Benchmark(call, timed, { maxTime: isQuick ? 0.2 : 1 });
        benchmark.on('error', () => reject(benchmark.error));
        benchmark.on('complete', () => {
          if (!benchmark.error) resolve({ usPerCall: benchmark.stats.mean * 1e6, callsPerSecond: benchmark.hz });
        });
        benchmark.run();
      }),
    close: () => director.close(),
  };
};
