/** `tunvs replay` runs a capture through the engine, by the capture's clock. */
import { once } from 'node:events';
import { type Command, Option } from 'commander';
import { seedArgument } from '../arguments.js';
import {
  addEngineOptions,
  addTimedRulesOption,
  type EngineArguments,
  engineOptions,
  pathMtuArgument,
} from '../engine-options.js';
import { toJson } from '../json.js';
import { createCapture, openCapture, readCapture } from '../replay/capture.js';
import { refuseSameFiles } from '../replay/files.js';
import { Progress } from '../replay/progress.js';
import { isSuperFrame, type Skipped, skippedOf, skippedSentences } from '../replay/skipped.js';
import { StatsFile } from '../replay/stats-file.js';
import { Timeline } from '../replay/timeline.js';
import { readRules } from '../rules-file.js';
import { refuseLargeTable } from '../table-memory.js';
import { type CliIo, UsageError, type Verb, type VerbContext } from '../verb.js';

interface ReplayOptions extends EngineArguments {
  rules: string;
  in: string;
  /** Undefined: what would be sent is counted alone. */
  out?: string;
  seed?: bigint;
  /** Bytes. */
  pathMtu?: number;
  /** Another name for `pathMtu`. */
  mtu?: number;
  stats?: string;
  json?: boolean;
}

/** The MTU of a link, unless a larger path MTU is given. */
const LINK_MTU_BYTES = 1500;

const EXAMPLES = `
Each packet of the capture is taken as if the device had delivered it at its
time, and what the director would send is written with the time of the packet
that caused it. Captures are pcap, not pcapng; link types RAW, Ethernet and
Linux cooked (SLL, SLL2, as of tcpdump -i any) are read, RAW is written.
Capture what comes in alone (tcpdump -Q in): a host that forwards sends each
packet on. Records that hold no whole IP packet are left out, as is the end of
a capture that is cut off; replay says how many and why.

A line "@SECONDS COMMAND" of the rules is executed when the capture's clock
(0: the first packet) reaches that time, before packets of the same time.
Listings (-L -n, -L -n -c, -S -n, mark list, ...) go to standard output.

Examples:
  $ tunvs replay --rules web.rules --source 10.2.0.2 --in clients.pcap \\
      --out tunnel.pcap
  $ tunvs replay --rules web.rules --source 10.2.0.2 --in clients.pcap \\
      --stats -
  $ echo '@60 -L -n --stats' | cat web.rules - | tunvs replay --rules - \\
      --source 10.2.0.2 --in a.pcap --out b.pcap`;

export const replay: Verb = {
  name: 'replay',
  summary: 'run a capture through the engine and write what it would have sent',

  configure(command: Command): void {
    addEngineOptions(addTimedRulesOption(command))
      .requiredOption('--in <file>', 'capture to read')
      .option('--out <file>', 'capture to write; may be left out with --stats')
      .option(
        '--seed <number>',
        'seed of the connection table; the same seed gives the same replay (default: 0)',
        seedArgument,
      )
      .option('--path-mtu <bytes>', 'path MTU to the real servers (default: 1500)', pathMtuArgument)
      .addOption(
        new Option('--mtu <bytes>', 'another name for --path-mtu').argParser(pathMtuArgument).conflicts('pathMtu'),
      )
      .option('--stats <file>', 'write the counters there as JSON; - is standard output')
      .option('--json', 'print the summary as JSON on standard output')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<ReplayOptions>): Promise<void> {
    const { out } = options;
    if (out === undefined && options.stats === undefined)
      throw new UsageError('say what to write: a capture with --out, the counters with --stats, or both');
    refuseLargeTable(options.maxConnections);
    await refuseSameFiles(options);
    const pathMtu = options.pathMtu ?? options.mtu;
    const lines = await readRules({ file: options.rules, isTimed: true, verb: 'replay' }, io);
    const [{ Director }, { native }] = await Promise.all([
      import('../../director/director.js'),
      import('../../native/addon.js'),
    ]);
    const reader = await openCapture(native, options.in);
    let statsFile: StatsFile | undefined;
    try {
      const { stats: statsPath } = options;
      if (statsPath !== undefined && statsPath !== '-') statsFile = await StatsFile.open(statsPath);
      const director = Director.offline({ ...engineOptions(options, pathMtu), seed: options.seed ?? 0n });
      const timeline = new Timeline(director, lines, (text) => printed(io, text));
      await timeline.begin();
      const writer = out === undefined ? undefined : await createCapture(native, out);
      const progress = new Progress(io.stderr);
      let received = 0;
      let sent = 0;
      let superFrames = 0;
      const mtuBytes = Math.max(pathMtu ?? 0, LINK_MTU_BYTES);
      let clockMs = 0;
      try {
        for (const piece of readCapture(reader)) {
          const outputs = await timeline.process(piece.packets, piece.clockMs);
          const timesMs = Float64Array.from(outputs, ({ cause }) => piece.stampedMs[cause] as number);
          const sentBytes = outputs.map(({ data }) => data);
          await writer?.write(sentBytes, timesMs);
          received += piece.packets.length;
          superFrames += piece.packets.filter((packet) => isSuperFrame(packet, mtuBytes)).length;
          sent += outputs.length;
          clockMs = piece.clockMs.at(-1) as number;
          progress.update(received, clockMs);
        }
        await timeline.finish();
      } finally {
        progress.clear();
        await writer?.close();
      }
      const { timeouts, sysctls, marks } = director;
      const skipped = skippedOf(reader, superFrames);
      const stats = { ...director.stats(), timeouts, sysctls, marks, skipped };
      await director.close();
      const statsText = `${toJson(stats, 2)}\n`;
      if (statsPath === '-') io.stdout.write(statsText);
      await statsFile?.write(statsText);
      report({ received, sent, durationMs: clockMs, skipped }, options, io);
    } finally {
      reader.close();
      await statsFile?.close();
    }
  },
};

/** Resolves when more can be written, so that a long listing does not pile up in memory. */
async function printed(io: CliIo, text: string): Promise<void> {
  if (!io.stdout.write(text)) await once(io.stdout, 'drain');
}

interface Summary {
  /** Packets. */
  received: number;
  /** Packets. */
  sent: number;
  durationMs: number;
  /** Records of the capture that were left out, and packets longer than any link carries. */
  skipped: Skipped;
}

function report(summary: Summary, options: ReplayOptions, io: CliIo): void {
  for (const sentence of skippedSentences(summary.skipped))
    io.stderr.write(`tunvs replay: ${options.in}: ${sentence}\n`);
  if (options.json) {
    io.stdout.write(`${toJson({ ...summary, out: options.out })}\n`);
    return;
  }
  const seconds = (summary.durationMs / 1000).toFixed(3);
  const where = options.out === undefined ? '' : `, in ${options.out}`;
  io.stderr.write(`replayed ${summary.received} packets of ${seconds} s: ${summary.sent} sent${where}\n`);
}
