/** The engine's options, which `run`, `replay` and `explain` share. */
import { type Command, Option } from 'commander';
import {
  type EngineOptions,
  type NoServerReply,
  type UnmatchedReplies,
  noServerReplies,
  unmatchedReplies,
  type PingReply,
  pingReplies,
} from '../director/open-options.js';
import { choiceArgument, integerArgument, rangesArgument, sourcesArgument } from './arguments.js';

/** The options as commander reads them. */
export interface EngineArguments {
  source: string[];
  maxConnections?: number;
  pathMtuFloor?: number;
  pingReply?: PingReply;
  noServerReply?: NoServerReply;
  unmatchedReplies?: UnmatchedReplies;
  natSource?: string[];
}

export const pathMtuArgument = integerArgument(576, 65535);

/** Adds `--rules` for the verbs that follow a capture's clock. */
export function addTimedRulesOption(command: Command, { isRequired = true } = {}): Command {
  const rules = new Option(
    '--rules <file>',
    'rules as ipvsadm -S -n prints them; a rule that is due later begins with "@SECONDS"; - is standard input',
  );
  return command.addOption(rules.makeOptionMandatory(isRequired));
}

/** With a configuration file, the director's address may stand there. */
export function addEngineOptions(command: Command, { isSourceElsewhere = false } = {}): Command {
  const source = new Option(
    '--source <address>',
    'director address (DIP), the source of tunnel packets, or a range like 10.2.1.0/28 to spread flows over; ' +
      'give it once per address family',
  ).argParser(sourcesArgument);
  return command
    .addOption(source.makeOptionMandatory(!isSourceElsewhere))
    .option(
      '--path-mtu-floor <bytes>',
      'least path MTU that ICMP errors can set for a real server (default: 552)',
      integerArgument(68, 65535),
    )
    .option(
      '--ping-reply <when>',
      'answer pings of a virtual address: always, when-up (while a real server has a weight above 0, even if it is ' +
        'full) or never (default: always)',
      choiceArgument(pingReplies),
    )
    .addOption(noServerReply())
    .option(
      '--unmatched-replies <fate>',
      "what becomes of a masqueraded real server's packets without a connection: drop, or pass as they are " +
        '(default: drop)',
      choiceArgument(unmatchedReplies),
    )
    .option(
      '--nat-source <address>',
      'address that packets get by full NAT, or range of addresses as 10.2.1.0/28; may be repeated',
      rangesArgument,
    )
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
  ).argParser(choiceArgument(noServerReplies));
  // Commander takes a name that begins with "no-" for the negation of another option; this one is a name of its own.
  option.negate = false;
  return option;
}

export function engineOptions(given: EngineArguments, pathMtu: number | undefined): EngineOptions {
  const { source, pathMtuFloor, maxConnections, pingReply, noServerReply, unmatchedReplies, natSource } = given;
  return {
    source,
    ...(pathMtu !== undefined && { pathMtu }),
    ...(pathMtuFloor !== undefined && { pathMtuFloor }),
    ...(maxConnections !== undefined && { maxConnections }),
    ...(pingReply !== undefined && { pingReply }),
    ...(noServerReply !== undefined && { noServerReply }),
    ...(unmatchedReplies !== undefined && { unmatchedReplies }),
    ...(natSource !== undefined && { fullNat: { sources: natSource } }),
  };
}
