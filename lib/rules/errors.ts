/** The one error of rules: what tunvs says about a mistake, and what ipvsadm would have said. */
import { TunvsError } from '../values/errors.js';

/** Where a rule stands. */
export interface RulesPlace {
  file: string;
  /** From 1. */
  line: number;
}

/** What ipvsadm prints on stderr and exits with; `tunvsadm` answers the same. */
export interface IpvsadmFace {
  text: string;
  /** 2 is wrong usage; 255 is a mistake that popt found, or a refusal of the kernel's. */
  exitStatus: number;
}

export interface RulesErrorDetails {
  /** The word that is wrong. */
  token?: string;
  /** Absent where ipvsadm's own words are not known: its text is then our sentence, its status 2. */
  ipvsadm?: IpvsadmFace;
  place?: RulesPlace;
}

/** A mistake in a rule. `message` is `FILE:LINE: SENTENCE`, or the sentence alone where there is no file. */
export class RulesError extends TunvsError {
  /** Says what is wrong and how to mend it. */
  readonly sentence: string;
  readonly token: string | undefined;
  readonly ipvsadm: IpvsadmFace;
  readonly place: RulesPlace | undefined;

  constructor(sentence: string, details: RulesErrorDetails = {}) {
    const { place, token, ipvsadm = { text: sentence, exitStatus: 2 } } = details;
    super('ERR_TUNVS_RULES', place ? `${place.file}:${place.line}: ${sentence}` : sentence);
    this.sentence = sentence;
    this.token = token;
    this.ipvsadm = ipvsadm;
    this.place = place;
  }

  /** Returns the same mistake with a place; one that has a place already keeps it. */
  at(place: RulesPlace): RulesError {
    if (this.place) return this;
    const details: RulesErrorDetails = { ipvsadm: this.ipvsadm, place };
    if (this.token !== undefined) details.token = this.token;
    return new RulesError(this.sentence, details);
  }
}

/** Runs `step`; a RulesError that leaves it names `place`. */
export function located<T>(place: RulesPlace, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw error instanceof RulesError ? error.at(place) : error;
  }
}
