/** What the daemon around the director can do: `/v1/ipvsadm`, `/v1/reload`, `/v1/config`; and `/v1/openapi.json`. */
import { z } from 'zod';
import { assertAccess } from '../router/access.js';
import type { AdmPiece } from '../../rules/adm/piece.js';
import { Problem } from '../problem.js';
import { route } from '../router/route.js';

const missing = (what: string) =>
  new Problem(404, 'ERR_TUNVS_UNSUPPORTED', `this director was started without ${what}: see "tunvs run --help"`);

const NDJSON = 'application/x-ndjson';

export const postIpvsadm = route({
  method: 'post',
  path: '/v1/ipvsadm',
  id: 'ipvsadm',
  summary: 'Execute a call of ipvsadm',
  description:
    'The answer has a line for each piece: `{"out":"..."}` and `{"err":"..."}`, and `{"exit":N}` last. An answer that ' +
    'ends without `exit` is a failure. What changes nothing needs the right to read alone.',
  access: 'read',
  media: [NDJSON],
  body: z.strictObject({
    argv: z.array(z.string().max(65536)).max(4096).describe("Without the program's name."),
    stdin: z.string().optional().describe('What `-R` reads.'),
  }),
  answers: { 200: { says: 'What ipvsadm prints, in pieces.', media: NDJSON } },
  problems: [404, 429],
  run({ context, body, access }) {
    const { execute, session, isListing = () => false } = context;
    const { argv, stdin } = body;
    if (!isListing(argv)) assertAccess('write', access);
    if (!execute) throw missing('ipvsadm');
    return {
      media: NDJSON,
      stream: (signal) => lines(execute(session, { argv, ...(stdin !== undefined && { stdin }), signal })),
    };
  },
});

async function* lines(pieces: AsyncIterable<AdmPiece>): AsyncGenerator<string> {
  for await (const piece of pieces) yield `${JSON.stringify(piece)}\n`;
}

export const postReload = route({
  method: 'post',
  path: '/v1/reload',
  id: 'reload',
  summary: 'Read the configuration or rules anew and put them into force',
  description:
    'What the file changed since it was read last comes into force; what was changed by hand and not in the file stays. ' +
    'With `reset` everything becomes as the file says. With `dryRun` it only says what would change.',
  access: 'write',
  body: z
    .strictObject({
      dryRun: z.boolean().optional().describe('Changes nothing.'),
      reset: z.boolean().optional().describe('Undoes what was changed by hand, too.'),
    })
    .optional(),
  answers: { 200: { says: 'What has changed.', schema: z.object({ changes: z.array(z.looseObject({})) }).loose() } },
  problems: [404, 409],
  async run({ context, body }) {
    if (!context.reload) throw missing('a file to reload');
    return { body: await context.reload({ dryRun: body?.dryRun ?? false, reset: body?.reset ?? false }) };
  },
});

export const getConfig = route({
  method: 'get',
  path: '/v1/config',
  id: 'getConfig',
  summary: 'Show the configuration that is in force, with its origin',
  access: 'read',
  answers: { 200: { says: 'The configuration.', schema: z.unknown() } },
  problems: [404],
  run({ context }) {
    const spec = context.spec?.();
    if (spec === undefined) throw missing('a configuration file');
    return { body: spec };
  },
});

export const getOpenapi = route({
  method: 'get',
  path: '/v1/openapi.json',
  id: 'getOpenapi',
  summary: 'Show this API as an OpenAPI 3.1 document',
  access: 'none',
  answers: { 200: { says: 'The document.', schema: z.looseObject({ openapi: z.string() }) } },
  run: ({ openapi }) => ({ body: openapi() }),
});
