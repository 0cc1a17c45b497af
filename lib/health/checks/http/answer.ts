/** An answer by HTTP, and the bounds of what is read of it. */
import type { Body, BodyNeeds } from './body.js';

export interface Answer {
  status: number;
  /** By names in lower case; of several fields of a name the first. */
  headers: ReadonlyMap<string, string>;
  body: Body;
}

export interface AnswerNeeds extends BodyNeeds {
  /** Whether the answer's body is waited for; otherwise the header is all. */
  wantsBody(status: number): boolean;
  /** An answer to HEAD has no body, whatever its header says. */
  isHead: boolean;
}

/** All header fields of an answer together, with interim answers and trailers: servers keep within 8 or 16 KiB. */
export const MAX_HEAD_BYTES = 32_768;

/** Answers 1xx before the answer. */
export const MAX_INTERIM = 10;

export const hasNoBody = (status: number, isHead: boolean) =>
  isHead || status === 204 || status === 304 || status === 101;
