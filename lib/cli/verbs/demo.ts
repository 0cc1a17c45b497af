/** `tunvs demo`: a director balancing real HTTP traffic between network namespaces of this host. */
import type { Command } from 'commander';
import { canIsolate, labProblem, rerunIsolated, tunProblem } from '../../lab/isolation.js';
import { integerArgument } from '../arguments.js';
import { endSignal } from '../signals.js';
import type { Verb, VerbContext } from '../verb.js';

interface Options {
  once?: boolean;
  requests: number;
  servers: number;
  json?: boolean;
}

export const demo: Verb = {
  name: 'demo',
  summary: 'build a lab of network namespaces and watch a director balance HTTP traffic in it',

  configure(command: Command) {
    command
      .option(
        '--once',
        'play the scenes once and end; the exit code is 0 when every request was answered as it should be',
      )
      .option('--requests <number>', 'requests per scene', integerArgument(10, 1000), 300)
      .option('--servers <number>', 'real servers', integerArgument(2, 9), 3)
      .option('--json', 'a JSON object a line')
      .addHelpText(
        'after',
        '\nNothing outside the namespaces is touched, and they are gone when it ends. An ordinary user is made root of\n' +
          'a user namespace for it. Without --once it goes on until Ctrl-C.',
      );
  },

  async run({ options, io }: VerbContext) {
    const given = options as Options;
    const cannotOpenTun = tunProblem();
    if (cannotOpenTun !== undefined) throw new DemoFailed(`the demo needs a TUN device: ${cannotOpenTun}`);
    if (labProblem() !== undefined && canIsolate()) {
      if ((await rerunIsolated()) !== 0) throw new DemoFailed('the demo did not end well; see the lines above');
      return;
    }
    const { runDemo } = await import('../../demo/demo.js');
    const end = endSignal({ hangupEnds: true });
    try {
      const isFine = await runDemo({
        isOnce: given.once ?? false,
        isJson: given.json ?? false,
        requests: given.requests,
        realServers: given.servers,
        output: io.stdout as NodeJS.WritableStream & { isTTY?: boolean },
        signal: end.signal,
      });
      if (!isFine)
        throw new DemoFailed(
          end.signal.aborted ? 'the demo was interrupted' : 'not every request was answered as it should be',
        );
    } finally {
      end.dispose();
    }
  },
};

class DemoFailed extends Error {
  /** The sentence says it all: no stack is printed. */
  readonly code = 'DEMO_FAILED';
}
