/** Options that `run` and `replay` share: those of the engine. */
import { type Command, Option } from 'commander';
import type { EngineOptions, NoServerReply, PingReply } from '../director/open-options.js';
import { choiceArgument, integerArgument, sourcesArgument } from './arguments.js';

/** As commander reads them. */
export interface EngineArguments {
  source: string[];
  maxConnections?: number;
  pathMtuFloor?: number;
  pingReply?: PingReply;
  noServerReply?: NoServerReply;
}

// Said again in lib/director-options.ts, which loads the native part; --help does without.
const PING_REPLIES = ['always', 'when-up', 'never'] satisfies PingReply[];
const NO_SERVER_REPLIES = ['unreachable', 'reset'] satisfies NoServerReply[];

export const pathMtuArgument = integerArgument(576, 65535);

/** For verbs that go by a capture's clock. */
export function addTimedRulesOption(command: Command): Command {
  return command.requiredOption(
    '--rules <file>',
    'rules as ipvsadm -S -n prints them, "@SECONDS" before those that are due later; - is standard input',
  );
}

export function addEngineOptions(command: Command): Command {
  return command
    .requiredOption(
      '--source <address>',
      'director address (DIP), source of the tunnel packets, or a range like 10.2.1.0/28 that flows are spread over; ' +
        'once per address family',
      sourcesArgument,
    )
    .option(
      '--path-mtu-floor <bytes>',
      'ICMP errors make no path to a real server narrower than this (default: 552)',
      integerArgument(68, 65535),
    )
    .option(
      '--ping-reply <when>',
      'answer pings of a virtual address: always, when-up (a real server has a weight above 0, though it be full) or never (default: always)',
      choiceArgument(PING_REPLIES),
    )
    .addOption(noServerReply())
    .option(
      '--max-connections <number>',
      'capacity of the connection table (default: 1048576)',
      integerArgument(1024, 2 ** 28),
    );
}

function noServerReply(): Option {
  const option = new Option(
    '--no-server-reply <answer>',
    'what a client gets while no real server may take its connection: unreachable (ICMP), or reset to TCP clients ' +
      '(default: unreachable)',
  ).argParser(choiceArgument(NO_SERVER_REPLIES));
  // To commander a name that begins with "no-" negates another option; here it is a name.
  option.negate = false;
  return option;
}

export function engineOptions(given: EngineArguments, pathMtu: number | undefined): EngineOptions {
  const { source, pathMtuFloor, maxConnections, pingReply, noServerReply } = given;
  return {
    source,
    ...(pathMtu !== undefined && { pathMtu }),
    ...(pathMtuFloor !== undefined && { pathMtuFloor }),
    ...(maxConnections !== undefined && { maxConnections }),
    ...(pingReply !== undefined && { pingReply }),
    ...(noServerReply !== undefined && { noServerReply }),
  };
}
