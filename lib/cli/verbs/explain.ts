/** `tunvs explain` says which real server a packet would get, and by which rule. */
import { once } from 'node:events';
import type { Command } from 'commander';
import type { OfflineDirector } from '../../director/director.js';
import type { Explanation } from '../../director/explain.js';
import type { ExplainedFlow } from '../../values/flow-packet.js';
import { parseEndpoint } from '../../values/inet.js';
import { choiceArgument, integerArgument, seedArgument } from '../arguments.js';
import { addDaemonOptions, type DaemonArguments } from '../daemon-client.js';
import { addEngineOptions, addTimedRulesOption, type EngineArguments, engineOptions } from '../engine-options.js';
import { explainRunning, isOfRunning } from '../explain/running.js';
import { toJson } from '../json.js';
import { type CapturePiece, openCapture, readCapture } from '../replay/capture.js';
import { skippedOf, skippedSentences } from '../replay/skipped.js';
import { Timeline } from '../replay/timeline.js';
import { readRules } from '../rules-file.js';
import { refuseLargeTable } from '../table-memory.js';
import { type CliIo, UsageError, type Verb, type VerbContext } from '../verb.js';

interface ExplainOptions extends EngineArguments, DaemonArguments {
  rules?: string;
  in?: string;
  seed?: bigint;
  protocol?: ExplainedFlow['protocol'];
  client?: string;
  virtual?: string;
  flags?: string;
  mark?: number;
  json?: boolean;
}

const EXAMPLES = `
Without --rules explain asks a running director, and says as well which servers
are not chosen because of what their checks have found. With --rules nothing
needs to be running: it puts them into a director without a device. Nothing is
sent. With --in it first replays a capture, so that there
are connections; without a flow it explains every packet of the capture as
things stand when that packet comes. It numbers packets as Wireshark does: from
1, every frame.

Examples:
  $ tunvs explain --client 198.51.100.7:40000 --virtual 192.0.2.1:80
  $ tunvs explain --rules web.rules --source 10.2.0.2 \\
      --client 198.51.100.7:40000 --virtual 192.0.2.1:80
  $ tunvs explain --rules web.rules --source 10.2.0.2 --in clients.pcap
  $ tunvs explain --rules dns.rules --source 10.2.0.2 --in a.pcap --json \\
      --protocol udp --client 198.51.100.7:5353 --virtual 192.0.2.1:53`;

export const explain: Verb = {
  name: 'explain',
  summary: 'say which real server a packet would get, and by which rule',

  configure(command: Command): void {
    addDaemonOptions(addEngineOptions(addTimedRulesOption(command, { isRequired: false }), { isSourceElsewhere: true }))
      .option('--in <file>', 'capture to replay first, or to explain')
      .option('--protocol <name>', 'tcp, udp or sctp (default: tcp)', choiceArgument(['tcp', 'udp', 'sctp']))
      .option('--client <address:port>', 'source of the packet (CIP)')
      .option('--virtual <address:port>', 'destination of the packet (VIP)')
      .option('--flags <letters>', 'flags of the TCP packet: S, A, F, R, P (default: S)')
      .option(
        '--mark <number>',
        'firewall mark of the device that the packet comes from (default: none)',
        integerArgument(1, 2 ** 32 - 1),
      )
      .option(
        '--seed <number>',
        'seed of random choices; the same seed gives the same answer (default: 0)',
        seedArgument,
      )
      .option('--json', 'print JSON, an object a line')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<ExplainOptions>): Promise<void> {
    const flow = flowOf(options);
    if (isOfRunning(options)) {
      const said = await explainRunning(options, flow);
      io.stdout.write(options.json ? `${toJson({ ...said, flow })}\n` : `${said.text}\n`);
      return;
    }
    if (options.source === undefined) throw new UsageError('--rules needs --source, the address of the director (DIP)');
    if (flow === undefined && options.in === undefined)
      throw new UsageError('say which packet with --client and --virtual, or name a capture with --in');
    refuseLargeTable(options.maxConnections);
    const lines = await readRules({ file: options.rules as string, isTimed: true, verb: 'explain' }, io);
    const [{ Director }, { native }] = await Promise.all([
      import('../../director/director.js'),
      import('../../native/addon.js'),
    ]);
    const { in: capture } = options;
    const reader = capture === undefined ? undefined : await openCapture(native, capture);
    const director = Director.offline({ ...engineOptions(options, undefined), seed: options.seed ?? 0n });
    try {
      const timeline = new Timeline(director, lines, () => {});
      await timeline.begin();
      const ask = { mark: options.mark ?? 0 };
      for (const piece of reader ? readCapture(reader, flow === undefined ? 1 : undefined) : []) {
        if (flow !== undefined) await timeline.process(piece.packets, piece.clockMs);
        else await explainEach(director, timeline, piece, ask, (said) => print(said, options, io));
      }
      for (const sentence of reader ? skippedSentences(skippedOf(reader, 0)) : [])
        io.stderr.write(`tunvs explain: ${capture}: ${sentence}\n`);
      if (flow !== undefined) await print({ ...director.explain(flow, ask), flow }, options, io);
    } finally {
      reader?.close();
      await director.close();
    }
  },
};

/** An explanation with its subject: a flow, or a packet of a capture. */
type Said = Explanation & ({ flow: ExplainedFlow } | { packet: number; atMs: number });

async function explainEach(
  director: OfflineDirector,
  timeline: Timeline,
  { packets, clockMs, firstRecord }: CapturePiece,
  ask: { mark: number },
  print: (said: Said) => Promise<void>,
): Promise<void> {
  for (const [index, bytes] of packets.entries()) {
    const atMs = clockMs[index] as number;
    await timeline.advance(atMs);
    await print({ packet: firstRecord + index, atMs, ...director.explain(bytes, ask) });
    await timeline.process([bytes], Float64Array.of(atMs));
  }
}

async function print(said: Said, { json }: ExplainOptions, io: CliIo): Promise<void> {
  const head = 'packet' in said ? `${said.packet} at ${(said.atMs / 1000).toFixed(3)} s: ` : '';
  if (!io.stdout.write(json ? `${toJson(said)}\n` : `${head}${said.text}\n`)) await once(io.stdout, 'drain');
}

function flowOf({ protocol = 'tcp', client, virtual, flags }: ExplainOptions): ExplainedFlow | undefined {
  if (client === undefined && virtual === undefined) return undefined;
  if (client === undefined || virtual === undefined)
    throw new UsageError('--client and --virtual belong together: give both');
  const from = endpoint('--client', client);
  const to = endpoint('--virtual', virtual);
  return {
    protocol,
    clientAddress: from.address,
    clientPort: from.port,
    virtualAddress: to.address,
    virtualPort: to.port,
    ...(flags !== undefined && { flags }),
  };
}

function endpoint(option: string, text: string): { address: string; port: number } {
  const parsed = parseEndpoint(text);
  if ('mistake' in parsed || parsed.port === undefined)
    throw new UsageError(`${option} ${text}: write an address and a port, as in 192.0.2.1:80 or [2001:db8::1]:80`);
  return { address: parsed.address, port: parsed.port };
}
