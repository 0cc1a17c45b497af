/** What a call of ipvsadm gives back, in pieces. */

/** What goes to stdout, what goes to stderr, and the exit status, which comes last. */
export type AdmPiece =
  | {
      /** What goes to standard output. */
      out: string;
    }
  | {
      /** What goes to standard error. */
      err: string;
    }
  | {
      /** The exit status. */
      exit: number;
    };

/** About the length of a piece, in characters. */
const PIECE_LENGTH = 64 * 1024;

/**
 * Joins lines to pieces of about 64 KiB, so that a listing of any length takes the memory of one piece. An empty line is
 * a sign of life: what there is goes out.
 */
export async function* inPieces(lines: AsyncIterable<string>): AsyncGenerator<AdmPiece> {
  let out = '';
  // A listing that fails has printed what came before.
  let failed: { error: unknown } | undefined;
  try {
    for await (const line of lines) {
      out += line;
      while (out.length >= PIECE_LENGTH) {
        // A piece ends with a line where it can.
        const end = out.lastIndexOf('\n', PIECE_LENGTH - 1) + 1 || PIECE_LENGTH;
        yield { out: out.slice(0, end) };
        out = out.slice(end);
      }
      if (line !== '') continue;
      yield { out };
      out = '';
    }
  } catch (error) {
    failed = { error };
  }
  if (out !== '') yield { out };
  if (failed) throw failed.error;
}
