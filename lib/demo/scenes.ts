/** The demo's scenes: each does something with the stage and says what should have come of it and what did. */
import type { FetchManyResult } from '../lab/programs/requests.js';
import type { Stage, StageServer } from './stage.js';

export interface Outcome {
  /** Says what was shown, in a sentence. */
  text: string;
  /** Everything came as it should. */
  ok: boolean;
}

export interface Scene {
  title: string;
  /** Says what to look at meanwhile, in a sentence. */
  watch: string;
  /** Goes on from what the scene before has left; without it every real server serves when the scene begins. */
  isContinued?: true;
  play(stage: Stage, playing: Playing): Promise<Outcome>;
}

export interface Playing {
  requests: number;
  /** Gives time to look, with some traffic; what was checked before stands. */
  pause(): Promise<void>;
}

const CONCURRENCY = 20;
const LARGE_BYTES = 10_000_000;

export const scenes: readonly Scene[] = [
  {
    title: 'A connection for each request',
    watch:
      'Every request opens a connection of its own. Weighted round robin deals them out: the bars are as long as the weights say.',
    async play(stage, { requests }) {
      const rounds = Math.max(1, Math.round(requests / totalWeight(stage)));
      const result = await stage.fetchMany({ requests: rounds * totalWeight(stage), concurrency: CONCURRENCY });
      const followsWeights = stage.servers.every(({ name, weight }) => (result.servers[name] ?? 0) === rounds * weight);
      return {
        text: `${answers(result)}; shares ${shares(stage, result)} ${followsWeights ? 'are exactly' : 'should be'} the weights' ${stage.servers.map(({ weight }) => weight).join(':')}`,
        ok: isComplete(result) && followsWeights,
      };
    },
  },
  {
    title: 'Kept-alive connections',
    watch:
      'Twenty clients keep their connections. The director remembers each connection, so no request changes its real server.',
    async play(stage, { requests }) {
      const result = await stage.fetchMany({ requests, concurrency: CONCURRENCY, connection: 'kept' });
      return {
        text: `${answers(result)} over ${Math.min(CONCURRENCY, requests)} connections; ${result.moved === 0 ? 'each stayed with its real server' : `${result.moved} changed their real server`}`,
        ok: isComplete(result) && result.moved === 0,
      };
    },
  },
  {
    title: 'Large transfers',
    watch:
      '10 MB up, then 10 MB down. What a server sends goes straight to the client: the director sees only the acknowledgements.',
    async play(stage) {
      const upload = await stage.fetch({ uploadBytes: LARGE_BYTES, timeoutMs: 20_000 });
      const before = await stage.receivedBytes();
      const download = await stage.fetch({ downloadBytes: LARGE_BYTES, timeoutMs: 20_000 });
      const after = await stage.receivedBytes();
      const atClient = after.client - before.client;
      const atDirector = after.director - before.director;
      return {
        text: `10 MB up and 10 MB down arrived ${upload.intact && download.intact ? 'intact' : 'damaged'}; of the download the client received ${megabytes(atClient)}, the director ${megabytes(atDirector)} (acknowledgements): replies do not pass it`,
        ok: upload.intact && download.intact && atClient >= LARGE_BYTES && atDirector < atClient / 10,
      };
    },
  },
  {
    title: 'A real server is drained and stopped',
    watch:
      'At weight 0 a server keeps its open connections and gets no new ones; after that nobody misses it when it stops.',
    async play(stage, { requests, pause }) {
      const { connection, server } = await openConnection(stage);
      await stage.setWeight(server, 0);
      const kept = await stage.fetch({ connection });
      const drained = await stage.fetchMany({ requests, concurrency: CONCURRENCY });
      await pause();
      await stage.closeConnection(connection);
      await stage.restoreAll({ except: server });
      await stage.setWeight(server, 0);
      await stage.stopServer(server);
      const stopped = await stage.fetchMany({ requests, concurrency: CONCURRENCY });
      const hasNone = [drained, stopped].every(({ servers }) => servers[server.name] === undefined);
      return {
        text: `${server.name} at weight 0 ${kept.server === server.name ? 'kept' : 'lost'} its open connection and got ${hasNone ? 'no new ones' : 'new ones'}; with it stopped, the others: ${answers(stopped)}`,
        ok: kept.intact && kept.server === server.name && hasNone && isComplete(drained) && isComplete(stopped),
      };
    },
  },
  {
    title: 'It comes back',
    watch: 'The stopped server starts and has its weight again: its bar grows back, and no request is lost.',
    isContinued: true,
    async play(stage, { requests }) {
      const server = stage.servers.find(({ weight }) => weight === 0) ?? stage.servers[0];
      if (server === undefined) throw new Error('there is no real server');
      await stage.restoreAll();
      const atLeast = Math.max(requests, totalWeight(stage));
      const result = await stage.fetchMany({ requests: atLeast, concurrency: CONCURRENCY });
      const share = result.servers[server.name] ?? 0;
      return { text: `${answers(result)}, ${share} of them by ${server.name}`, ok: isComplete(result) && share > 0 };
    },
  },
];

/** An open connection, and the real server that has it. */
async function openConnection(stage: Stage): Promise<{ connection: string; server: StageServer }> {
  const connection = 'open';
  const { server: name } = await stage.fetch({ connection });
  const server = stage.servers.find((candidate) => candidate.name === name);
  if (server === undefined) throw new Error(`an unknown real server answered: ${name}`);
  return { connection, server };
}

function totalWeight(stage: Stage): number {
  return stage.servers.reduce((sum, { weight }) => sum + weight, 0);
}

function isComplete({ answered, intact, failures }: FetchManyResult): boolean {
  return failures.length === 0 && answered > 0 && intact === answered;
}

function answers({ answered, failures }: FetchManyResult): string {
  const total = `${answered} requests answered`;
  return failures.length === 0 ? total : `${total}, others were not (${failures[0]})`;
}

function shares(stage: Stage, { servers }: FetchManyResult): string {
  return stage.servers.map(({ name }) => servers[name] ?? 0).join(':');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
