/** Writes docs/control.md from the routes of the control API, with what they answer. `npm run docs` puts it in place. */
import { openapiDocument } from '../../lib/control/router/openapi.js';
import type { Route } from '../../lib/control/router/route.js';
import { routes } from '../../lib/control/routes/index.js';
import { errorMeanings } from '../../lib/values/errors.js';
import { HealthSlot } from '../../lib/health/view.js';
import { testedApi } from './control.js';
import { FakeHealth } from './fake-health.js';
import { tcp } from './packets.js';

const SERVICE = '/v1/services/tcp:192.0.2.1:80';
const SERVER = `${SERVICE}/servers/10.3.0.11:80`;
const SOCKET = '/run/tunvs/tunvs.sock';

interface Example {
  path?: string;
  body?: unknown;
  /** Whether what is answered is the same each time, and short. */
  isShown?: boolean;
}

/** By operation, in the order of the page; those that are left out are shown without an answer. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  getDirector: { isShown: true },
  listServices: { isShown: true },
  addService: { body: { protocol: 'tcp', address: '192.0.2.2', port: 443, scheduler: 'maglev' }, isShown: true },
  getService: { isShown: true },
  putService: { body: { scheduler: 'wrr', realServers: [{ address: '10.3.0.11', weight: 2 }] } },
  editService: { body: { persistence: { timeoutSeconds: 600 } } },
  listServers: { isShown: true },
  addServer: { body: { address: '10.3.0.12', weight: 3 }, isShown: true },
  getServer: { isShown: true },
  putServer: { body: { weight: 2 }, isShown: true },
  editServer: { body: { weight: 5 }, isShown: true },
  beginDrain: { body: { seconds: 600 } },
  transaction: {
    body: {
      changes: [
        { op: 'addServer', service: 'tcp:192.0.2.1:80', value: { address: '10.3.0.13' } },
        { op: 'editServer', service: 'tcp:192.0.2.1:80', server: '10.3.0.11:80', value: { weight: 1 } },
      ],
      dryRun: true,
    },
    isShown: true,
  },
  listConnections: { path: '/v1/connections?serverAddress=10.3.0.11&limit=1', isShown: true },
  explain: {
    body: {
      protocol: 'tcp',
      ...{ clientAddress: '198.51.100.7', clientPort: 40000, virtualAddress: '192.0.2.1', virtualPort: 80 },
    },
    isShown: true,
  },
  getMarks: { isShown: true },
  setMarks: { body: { marks: [{ mark: 1, destination: '192.0.2.0/28' }] }, isShown: true },
  setTimeouts: { body: { tcp: 3600 } },
  setSysctls: { body: { expire_nodest_conn: 1 } },
  ipvsadm: { body: { argv: ['-L', '-n'] } },
  reload: { body: { dryRun: true } },
  getHealth: { isShown: true },
  getHealthOverview: { isShown: true },
  getServerHealth: { isShown: true },
};

export async function controlPage(): Promise<string> {
  const document = openapiDocument(routes) as unknown as Document;
  const parts = [INTRODUCTION, await refusal()];
  for (const each of routes) parts.push(await section(each, document));
  return `${[...parts, PROBLEMS, problems()].join('\n\n')}\n`;
}

interface Document {
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
}

const NEEDS = {
  none: 'It needs no right.',
  read: 'It needs the right to read.',
  write: 'It needs the right to write.',
};

async function section(route: Route, document: Document): Promise<string> {
  const { id, method, path, summary, description, access, isConditional } = route;
  const { responses = {} } = document.paths[path]?.[method] ?? {};
  const own = Object.keys(responses).filter((status) => status < '400');
  const says = own.map((status) => `${status}: ${responses[status]?.description}`);
  const prose = [`${summary}.`, description, NEEDS[access], isConditional && 'It heeds `If-Match`.'];
  return [
    `## ${method.toUpperCase()} ${path}`,
    wrapped(prose.filter(Boolean).join(' ')),
    says.map((each) => `- ${each}`).join('\n'),
    `\`\`\`text\n${await example(route, EXAMPLES[id] ?? {})}\n\`\`\``,
  ].join('\n\n');
}

async function example({ method, path }: Route, { path: given, body, isShown }: Example): Promise<string> {
  const at =
    given ?? path.replace('/v1/services/{service}/servers/{server}', SERVER).replace('/v1/services/{service}', SERVICE);
  const verb = method === 'get' || (method === 'post' && body !== undefined) ? '' : ` -X ${method.toUpperCase()}`;
  const sent = body === undefined ? '' : ` --json '${JSON.stringify(body)}'`;
  const command = `$ curl --globoff --unix-socket ${SOCKET}${verb}${sent} 'http://tunvs${at}'`;
  if (!isShown) return command;
  return `${command}\n${await answerOf(method, at, body)}`;
}

async function answerOf(method: string, path: string, body: unknown): Promise<string> {
  const api = testedApi({ name: 'tunvs', health: new HealthSlot(new FakeHealth()) });
  try {
    const service = api.director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    service.addRealServer({ address: '10.3.0.11' });
    api.director.process(tcp({ from: '198.51.100.9:40000', to: '192.0.2.1:80' }), 0);
    return (await api.ask(method.toUpperCase(), path, body)).text.trimEnd();
  } finally {
    api.app.close();
    await api.director.close();
  }
}

async function refusal(): Promise<string> {
  const said = await answerOf('get', `${SERVICE}/servers/10.3.0.99:80`, undefined);
  return `\`\`\`text\n$ curl --unix-socket ${SOCKET} 'http://tunvs${SERVICE}/servers/10.3.0.99:80'\n${said}\n\`\`\``;
}

const INTRODUCTION = `# The control API

A running director answers HTTP/1.1 with JSON on a unix socket, and on TCP when it was asked to. \`npm run docs\` writes
this page from the schemas that check the requests; a director shows them as OpenAPI 3.1 at \`/v1/openapi.json\`.

A virtual service is named in paths by \`tcp:192.0.2.1:80\`, \`tcp:[2001:db8::1]:443\`, \`udp:192.0.2.1:5000-5010\`,
\`mark:7\`, or \`mark6:7\` for IPv6. The slash of a range is written \`%2F\`: \`tcp:192.0.2.0%2F28:80\`. A real server is
named by its address and port; without a port it has that of the service. A path may have the service as screens show
it, too: \`tcp%20192.0.2.1:80\`. Counters above 2^53 - 1 are strings.

**Two writers.** Answers about services, servers and settings have an \`ETag\`. A change with \`If-Match\` is made only
when that version is still in force, and is refused with 412 otherwise. A change without it is made in any case. The
version of a service changes with its servers; the version of \`GET /v1/services\` is that of the whole configuration.
\`If-None-Match\` spares a reader what it has already (304), and lets PUT only add (\`*\`).

**Rights.** Whoever may use the unix socket may read and write. TCP takes tokens: \`Authorization: Bearer TOKEN\`.

**Refusals** are problems by RFC 9457. \`code\` is one of the codes of the library, \`detail\` is the sentence with the
mend, and \`errors\` names each mistake of a body by its JSON pointer:`;

const PROBLEMS = `# Problems

The \`type\` of a problem leads to its heading here.`;

function problems(): string {
  const entries = Object.entries(errorMeanings).map(([code, meaning]) => {
    const heading = code
      .replace(/^ERR_TUNVS_/, '')
      .toLowerCase()
      .replaceAll('_', '-');
    return `## ${heading}\n\n${wrapped(`\`${code}\`: ${meaning}.`)}`;
  });
  return entries.join('\n\n');
}

function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line !== '' && line.length + 1 + word.length > 120) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

export const CONTROL_PAGE = 'docs/control.md';
