/** `tunvs demo`: a director balances real HTTP traffic between network namespaces of this host. */
import type { Command } from 'commander';
import { canIsolate, labProblem, rerunIsolated, tunProblem } from '../../lab/isolation.js';
import { integerArgument, secondsArgument } from '../arguments.js';
import { outliveOutput } from '../output.js';
import { endSignal } from '../signals.js';
import { Interrupted, type Verb, type VerbContext } from '../verb.js';

interface Options {
  once?: boolean;
  pace?: number;
  requests?: number;
  servers?: number;
  json?: boolean;
}

export const demo: Verb = {
  name: 'demo',
  summary: 'build a lab of network namespaces and watch a director balance HTTP traffic in it',

  configure(command: Command) {
    command
      .option(
        '--once',
        'play the scenes once and end, as it does into a pipe; the exit code is 0 when every request was answered as it should be',
      )
      .option(
        '--pace <seconds>',
        'time that each scene stays (default: 5 on a terminal, none with --once)',
        secondsArgument(0, 600),
      )
      .option('--requests <number>', 'requests per scene (default: 300)', integerArgument(10, 1000))
      .option('--servers <number>', 'real servers (default: 3)', integerArgument(2, 9))
      .option('--json', 'print JSON, an object a line')
      .addHelpText(
        'after',
        `
The demo touches nothing outside its namespaces and removes them when it ends.
An ordinary user becomes root of a user namespace for it.

Keys on a terminal: 1 to 9, up and down choose a real server; s stops or starts
it, d drains it or takes it back; n goes on to the next scene; q or Ctrl-C ends
it.

The exit code is 0 when every answer came as it should, even if q or Ctrl-C
ended it, and 1 otherwise; with --once an interrupt is 130. There are no colours
in a pipe, with NO_COLOR or with TERM=dumb.

Example:
  $ tunvs demo --once --servers 4`,
      );
  },

  async run({ options, io }: VerbContext) {
    const given = options as Options;
    const cannotOpenTun = tunProblem();
    if (cannotOpenTun !== undefined) throw new DemoFailed(`the demo needs a TUN device: ${cannotOpenTun}`);
    if (labProblem() !== undefined && canIsolate()) {
      const status = await rerunIsolated();
      if (status > 128) throw new Interrupted(status);
      if (status !== 0) throw new DemoFailed('the demo did not end well: see the lines above');
      return;
    }
    const { runDemo } = await import('../../demo/demo.js');
    const output = io.stdout as NodeJS.WritableStream & { isTTY?: boolean };
    // Nobody could end a demo that runs into a pipe.
    const isOnce = given.once ?? (output.isTTY !== true && !given.json);
    const end = endSignal(['SIGHUP', 'SIGQUIT']);
    let lost: string | undefined;
    outliveOutput((sentence, stream) => {
      if (stream === 'standard error') return;
      lost = sentence;
      end.end();
    });
    try {
      const isFine = await runDemo({
        isOnce,
        isJson: given.json ?? false,
        paceMs: given.pace ?? (given.once || output.isTTY !== true ? 0 : DEFAULT_PACE_MS),
        requests: given.requests ?? DEFAULT_REQUESTS,
        realServers: given.servers ?? DEFAULT_SERVERS,
        output,
        input: io.stdin as NodeJS.ReadStream,
        environment: process.env,
        signal: end.signal,
        interrupt: () => process.kill(process.pid, 'SIGINT'),
      });
      if (isOnce && end.name !== undefined) throw new Interrupted(end.exitCode);
      if (lost !== undefined && end.name === undefined) throw new DemoFailed(lost);
      if (!isFine) throw new DemoFailed('not every request was answered as it should be');
    } finally {
      end.dispose();
    }
  },
};

const DEFAULT_PACE_MS = 5_000;
const DEFAULT_REQUESTS = 300;
const DEFAULT_SERVERS = 3;

class DemoFailed extends Error {
  /** With a code the error is printed as its sentence, without a stack. */
  readonly code = 'DEMO_FAILED';
}
