/**
 * Turns words into options by popt's rules: `-Ln`, `-w5`, `-w 5`, `-w=5`, `--weight=5`, `--weight 5`. Words that belong
 * to no option are operands and may stand anywhere; `--` ends the options.
 */
import { RulesError } from './errors.js';
import { longOption, type OptionSpec, shortOption } from './options.js';

export interface ScannedOption {
  spec: OptionSpec;
  /** The option as written, without its value: `-w`, `--weight`. */
  spelling: string;
  /** The word that it stands in: `-Ln`, `--weight=5`. */
  word: string;
  value: string | undefined;
}

/**
 * Yields the options from left to right and adds the other words to `operands` on the way. A mistake is thrown when it
 * is reached, so a caller who judges each option as it comes reports the leftmost mistake first, as ipvsadm does.
 */
export function* scanOptions(words: readonly string[], operands: string[]): Generator<ScannedOption> {
  const reader = new WordReader(words);
  for (let word = reader.next(); word !== undefined; word = reader.next()) {
    if (word === '--') operands.push(...reader.rest());
    else if (word.startsWith('--')) yield scanLong(word, reader);
    else if (word.startsWith('-') && word !== '-') yield* scanShort(word, reader);
    else operands.push(word);
  }
}

class WordReader {
  private at = 0;

  constructor(private readonly words: readonly string[]) {}

  next(): string | undefined {
    return this.words[this.at++];
  }

  /** Reads the value of an option: any word, even one that looks like an option, unless the value is optional. */
  value(spec: OptionSpec, spelling: string, word: string): string | undefined {
    const next = this.words[this.at];
    if (spec.argument === 'optional' && (next === undefined || next.startsWith('-'))) return undefined;
    if (next === undefined) throw missingValue(spelling, word);
    this.at++;
    return next;
  }

  rest(): string[] {
    const left = this.words.slice(this.at);
    this.at = this.words.length;
    return left;
  }
}

function scanLong(word: string, reader: WordReader): ScannedOption {
  const equals = word.indexOf('=');
  const spelling = equals < 0 ? word : word.slice(0, equals);
  const spec = longOption(spelling.slice(2));
  if (!spec) throw unknownOption(word, spelling);
  if (equals < 0) {
    const value = spec.argument === 'none' ? undefined : reader.value(spec, spelling, word);
    return { spec, spelling, word, value };
  }
  if (spec.argument === 'none') {
    throw new RulesError(`${spelling} takes no value: leave "${word.slice(equals)}" out`, {
      token: word,
      ipvsadm: { text: `${word}: option does not take an argument`, exitStatus: 255 },
    });
  }
  return { spec, spelling, word, value: word.slice(equals + 1) };
}

function* scanShort(word: string, reader: WordReader): Generator<ScannedOption> {
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    const spec = shortOption(letter);
    const spelling = `-${letter}`;
    if (!spec) throw unknownOption(word, spelling);
    if (spec.argument === 'none') {
      yield { spec, spelling, word, value: undefined };
      continue;
    }
    const attached = word.slice(at + 1);
    if (attached === '') yield { spec, spelling, word, value: reader.value(spec, spelling, word) };
    else yield { spec, spelling, word, value: attached.startsWith('=') ? attached.slice(1) : attached };
    return;
  }
}

function unknownOption(word: string, spelling: string): RulesError {
  const inWord = word === spelling ? '' : ` (in "${word}")`;
  return new RulesError(`${spelling}${inWord} is not an option of ipvsadm: correct it, or leave it out`, {
    token: word,
    ipvsadm: { text: `${word}: unknown option`, exitStatus: 255 },
  });
}

function missingValue(spelling: string, word: string): RulesError {
  return new RulesError(`${spelling} lacks its value: write the value after it`, {
    token: spelling,
    ipvsadm: { text: `${word}: missing argument`, exitStatus: 255 },
  });
}
