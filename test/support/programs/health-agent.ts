/** A process that embeds a director, and checks its real servers as a test asks. */
import { Director, type DirectorOpenOptions, type VirtualService } from '../../../lib/index.js';
import type { Check } from '../../../lib/health/checks/check.js';
import { checkKinds } from '../../../lib/health/checks/index.js';
import { type CheckRun, runCheck } from '../../../lib/health/way/run-check.js';
import { PinnedWays } from '../../../lib/health/way/pinned-ways.js';
import { serveAgent } from '../../../lib/lab/agent.js';
import { answered } from './udp-check.js';

interface Asked {
  /** The address of the real server, and the service's protocol and address. */
  server: string;
  protocol: string;
  virtualAddress: string;
  /** Its port, where there are several services of the address and protocol. */
  virtualPort?: number;
  /** The name of a kind, or 'udp-echo'. */
  kind: string;
  options?: object;
  via: CheckRun['via'];
  timeoutMs: number;
  target?: NonNullable<CheckRun['target']>;
}

let director: Director | undefined;
let ways: PinnedWays | undefined;

function opened(): { director: Director; ways: PinnedWays } {
  if (director === undefined || ways === undefined) throw new Error('open it first');
  return { director, ways };
}

function serverOf({ server, protocol, virtualAddress, virtualPort }: Asked) {
  const isAsked = (service: VirtualService) =>
    service.address === virtualAddress &&
    service.protocol === protocol &&
    (virtualPort === undefined || service.port === virtualPort);
  const service = opened().director.virtualServices.find(isAsked);
  const found = service?.realServers.find(({ address }) => address === server);
  if (found === undefined) throw new Error(`no such server: ${server}`);
  return found;
}

function checkOf({ kind, options }: Asked): Check {
  if (kind === 'udp-echo') return { kind, needsWay: true, run: answered };
  const found = checkKinds.find(({ name }) => name === kind);
  if (found === undefined) throw new Error(`no such kind: ${kind}`);
  return found.make(options ?? {});
}

serveAgent({
  async open(options: DirectorOpenOptions) {
    director = await Director.open(options);
    ways = new PinnedWays(director);
    return director.device;
  },
  run({ source, argument }: { source: string; argument: unknown }) {
    return new Function('director', 'argument', `return (${source})(director, argument);`)(opened().director, argument);
  },
  check(asked: Asked) {
    const { via, timeoutMs, target = {} } = asked;
    return runCheck(opened().ways, { check: checkOf(asked), server: serverOf(asked), via, timeoutMs, target });
  },
  /** Returns how many handles keep the process alive, by kind. */
  handles() {
    const counts: Record<string, number> = {};
    for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  },
  async close() {
    ways?.[Symbol.dispose]();
    await director?.close();
    director = undefined;
  },
});
