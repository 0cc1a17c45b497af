/** If-Match and If-None-Match, by RFC 9110 section 13. */
import { Problem } from '../problem.js';

/** Splits a list of entity tags; undefined when the header is missing. */
function tagsOf(header: string | null): string[] | undefined {
  return header === null ? undefined : (header.match(/\*|(?:W\/)?"[^"]*"/g) ?? []);
}

/** Throws the problem 412 when If-Match or If-None-Match forbids a change of what has `etag`; undefined: there is none. */
export function assertUnchanged(headers: Headers, etag: string | undefined): void {
  const wanted = tagsOf(headers.get('if-match'));
  if (wanted && !(etag !== undefined && wanted.some((tag) => tag === '*' || tag === etag)))
    throw changed(
      etag === undefined
        ? 'If-Match names a version, but there is none of it now: leave If-Match out to make it'
        : `If-Match does not name the version that is in force, ${etag}: read it again, then decide anew`,
      etag,
    );
  const unwanted = tagsOf(headers.get('if-none-match'));
  if (etag !== undefined && unwanted?.some((tag) => tag === '*' || isSame(tag, etag)))
    throw changed('If-None-Match forbids a change, because there is one already: leave the header out', etag);
}

/** Whether a reader has this version already. */
export function isUnmodified(headers: Headers, etag: string): boolean {
  return tagsOf(headers.get('if-none-match'))?.some((tag) => tag === '*' || isSame(tag, etag)) ?? false;
}

function isSame(tag: string, etag: string): boolean {
  return tag.replace(/^W\//, '') === etag;
}

function changed(detail: string, etag: string | undefined): Problem {
  return new Problem(412, 'ERR_TUNVS_CHANGED', detail, etag === undefined ? {} : { headers: { etag } });
}
