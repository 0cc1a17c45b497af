/** Collects the options of one rule: each group once, in the order written. */
import type { CommandName } from './command.js';
import { RulesError } from './errors.js';
import { judgeCommand, judgeOption } from './judge-values.js';
import type { OptionGroup } from './options.js';
import { type ScannedOption, scanOptions } from './scan.js';
import { judgeNetmask, type Written } from './values.js';

/** What ipvsadm answers to what it cannot even begin with. */
export const TRY_HELP = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.";

interface GivenOption {
  /** The option's own name: `tcp-service`, `gatewaying`. */
  long: string;
  spelling: string;
  value: string | undefined;
}

/** A rule's command, its options and its operands, each known and none given twice; their values are not read yet. */
export interface GivenRule {
  command: CommandName;
  /** The command as written. */
  spelling: string;
  /** The value of a command that takes one. */
  value: string | undefined;
  options: GivenOptions;
  operands: string[];
}

export class GivenOptions {
  private readonly byGroup = new Map<OptionGroup, GivenOption>();

  add({ spec, spelling, word, value }: ScannedOption): void {
    if ('command' in spec) {
      throw new RulesError(`${spelling} is a second command: write it as a rule of its own`, {
        token: spelling,
        ipvsadm: { text: `invalid option \`${word}'`, exitStatus: 2 },
      });
    }
    const earlier = this.byGroup.get(spec.group);
    if ((spec.group === 'sort' || spec.group === 'ipv6') && earlier) return;
    if (earlier) {
      const other = earlier.spelling === spelling ? 'is given twice' : `and ${earlier.spelling} exclude each other`;
      throw new RulesError(`${spelling} ${other}: keep one of them`, {
        token: spelling,
        ipvsadm: { text: `multiple '${spec.group}' options specified`, exitStatus: 2 },
      });
    }
    if (spec.group === 'ipv6' && this.byGroup.get('service-address')?.long !== 'fwmark-service') {
      throw new RulesError(`${spelling} must follow -f: write it after -f MARK`, {
        token: spelling,
        ipvsadm: { text: '-6 used before -f\n', exitStatus: 2 },
      });
    }
    const given = { long: spec.long, spelling, value };
    if (spec.group === 'netmask' && value !== undefined) judgeNetmask({ spelling, value }, this.#familySoFar());
    else judgeOption(spec.group, given);
    this.byGroup.set(spec.group, given);
  }

  /** Of the service, as far as the options to the left tell. */
  #familySoFar(): 4 | 6 {
    if (this.byGroup.has('ipv6')) return 6;
    const service = this.byGroup.get('service-address');
    return service !== undefined && /:.*:/.test(service.value ?? '') ? 6 : 4;
  }

  has(group: OptionGroup): boolean {
    return this.byGroup.has(group);
  }

  get(group: OptionGroup): GivenOption | undefined {
    return this.byGroup.get(group);
  }

  /** Returns the value as `parse` reads it, undefined where the option is not given. */
  read<T>(group: OptionGroup, parse: (written: Written) => T): T | undefined {
    const given = this.byGroup.get(group);
    return given && parse({ spelling: given.spelling, value: given.value ?? '' });
  }

  spellings(): Map<OptionGroup, string> {
    return new Map([...this.byGroup].map(([group, { spelling }]) => [group, spelling]));
  }
}

/** REQUIRES: the caller has removed a leading `ipvsadm`. */
export function collectOptions(words: readonly string[]): GivenRule {
  const operands: string[] = [];
  const scanned = scanOptions(words, operands);
  const first = firstOf(scanned);
  if (first.done || !('command' in first.value.spec)) throw noCommand(words[0]);
  const { spec, spelling, value } = first.value;
  judgeCommand(spec.command, spelling, value);
  const options = new GivenOptions();
  // ipvsadm answers these two at once and reads no word after them.
  if (spec.command !== 'help' && spec.command !== 'version') for (const option of scanned) options.add(option);
  return { command: spec.command, spelling, value, options, operands };
}

/** Whatever is wrong with the word where the command should stand, ipvsadm says the same of it. */
function firstOf(scanned: Generator<ScannedOption>): IteratorResult<ScannedOption, unknown> {
  try {
    return scanned.next();
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    const { sentence, token } = error;
    throw new RulesError(sentence, {
      ...(token !== undefined && { token }),
      ipvsadm: { text: TRY_HELP, exitStatus: 255 },
    });
  }
}

function noCommand(word: string | undefined): RulesError {
  const begins = word === undefined ? 'the rule is empty' : `"${word}" is not a command`;
  return new RulesError(`${begins}: begin with one of -A -E -D -a -e -d -C -L -S -Z --set sysctl mark`, {
    ...(word !== undefined && { token: word }),
    ipvsadm: { text: TRY_HELP, exitStatus: 255 },
  });
}
