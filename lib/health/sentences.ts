/** News of health in words, for logs and for those who ask. */
import type { HealthEvents, ServerHealth } from './events.js';
import { serverName } from '../values/server-options.js';
import { serviceName } from '../values/service-key.js';

type Sentences = { readonly [Name in keyof HealthEvents]: (event: HealthEvents[Name][0]) => string };

const mended = (mend: string | undefined) => (mend === undefined ? '' : `: ${mend.replace(/\.$/, '')}`);
const servers = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Returns one sentence for each event, with the reason and the mend. */
export const healthSentences: Sentences = {
  server({ service, server, isUp, message, mend }) {
    const head = `real server ${serverName(server)} of ${serviceName(service)} is ${isUp ? 'up' : 'down'}`;
    return isUp ? `${head}: ${message}` : `${head}, ${message}${mended(mend)}`;
  },
  quorum({ service, isUp, weight, quorum, sorryServers }) {
    const sorry = sorryServers > 0 ? `, and ${servers(sorryServers, 'sorry server')} took over` : '';
    return isUp
      ? `${serviceName(service)} has its quorum: the weights of its live servers are ${weight} of ${quorum}`
      : `${serviceName(service)} has lost its quorum: the weights of its live servers are ${weight} of ${quorum}${sorry}`;
  },
  failOpen({ service, isOpen, failing, of }) {
    const name = serviceName(service);
    return isOpen
      ? `${failing} of ${of} servers of ${name} fail at once, and all are kept: look at the director's own network first`
      : `failures of the servers of ${name} count again: ${failing} of ${of} fail`;
  },
  warning: ({ service, server, check, message }) =>
    `real server ${serverName(server)} of ${serviceName(service)}: ${check}: ${message}`,
  ownFault: ({ message, mend, isOver }) =>
    isOver
      ? `checks can be made again; this is over: ${message}`
      : `checks cannot be made, and servers stay as they are, for the fault of this host: ${message}${mended(mend)}`,
  notifyFailed({ by, target, message, lost }) {
    const gone = lost > 0 ? `, and ${servers(lost, 'piece')} of news ${lost === 1 ? 'is' : 'are'} lost` : '';
    return `news of health did not get to the ${by} ${target}: ${message}${gone}`;
  },
  applyFailed: ({ message }) => `what checks have found is not in force, and is tried again: ${message}`,
  late: ({ checks, latestMs, busyMs }) =>
    `${servers(checks, 'check')} began late, by ${Math.round(latestMs)} ms at most, ` +
    (busyMs > latestMs / 2
      ? `and this process was busy or stopped for ${Math.round(busyMs)} ms of it: give it more CPU, or raise the intervals`
      : 'because too many were under way: raise health.atOnce or the intervals'),
};

/** Says why a server is not chosen: `10.3.0.12:80 is down since 12:03:11 (http: status 503)`; undefined where it may be. */
export function whyNotChosen({ server, isUp, state, since, message }: ServerHealth): string | undefined {
  if (isUp) return undefined;
  const word = state === 'held' ? 'held down for its flapping' : state === 'starting' ? 'not up yet' : 'down';
  return `${serverName(server)} is ${word} since ${timeText(since)}${message === undefined ? '' : ` (${message})`}`;
}

/** UTC, as the log has it. */
export const timeText = (atMs: number): string => new Date(atMs).toISOString().slice(11, 19);

interface Named {
  service?: Parameters<typeof serviceName>[0];
  server?: Parameters<typeof serverName>[0];
}

/** Returns an event as plain values, which JSON takes as they are: services and servers by their names. */
export function healthFields(name: keyof HealthEvents, event: object): Record<string, unknown> {
  if (name === 'applyFailed') return { code: (event as { code?: string }).code };
  const { service, server, ...fields } = event as Named;
  return {
    ...fields,
    ...(service && { service: serviceName(service) }),
    ...(server && { server: serverName(server) }),
  };
}

/** Every event of a monitor. */
export const healthEventNames = Object.keys(healthSentences) as (keyof HealthEvents)[];
