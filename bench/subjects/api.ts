/** Measures what calls of the library cost the event loop, on an offline director with some configuration. */
import Benchmark from 'benchmark';
import { Director, type OfflineDirector } from '../../lib/index.js';
import type { OpenSubject } from '../subject.js';

export interface ApiTrial {
  call: keyof typeof CALLS;
  services: number;
  serversPerService: number;
}

/** Each makes the timed call once. */
const CALLS = {
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

export const openApi: OpenSubject<ApiTrial> = async ({ call, services, serversPerService }, { isQuick }) => {
  const director = Director.offline({ source: '10.0.0.1', maxConnections: 1024 });
  director.transaction((t) => {
    for (let i = 0; i < services; i++) {
      const service = t.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 1 + i });
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
