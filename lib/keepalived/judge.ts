/** Judges statements by the tables of keywords: what is unknown, what is passed over, what is not done. */
import { nearest } from '../config/check/nearest.js';
import { type Said, shown } from './language/place.js';
import type { Statement } from './language/statements.js';
import { type Keyword, type Keywords, keywordOf } from './keywords/keyword.js';

/** Every statement is judged; what belongs to VRRP is said once for its block. */
export function judge(statements: readonly Statement[], table: Keywords, said: Said, where = ''): void {
  const vrrp: Statement[] = [];
  for (const statement of statements) {
    const keyword = keywordOf(table, statement.keyword);
    if (keyword === undefined) unknown(statement, table, where, said);
    else if (hasItsBlock(statement, keyword, said)) {
      if (keyword.fate === 'vrrp') vrrp.push(statement);
      else known(statement, keyword, said);
    }
  }
  passOver(vrrp, table, where, said);
}

function unknown({ keyword, place }: Statement, table: Keywords, where: string, said: Said): void {
  const near = nearest(keyword, Object.keys(table));
  const here = where === '' ? 'at the top level' : `in ${where}`;
  said.mistake(
    place,
    `there is no keyword ${shown(keyword)} ${here}`,
    near === undefined ? 'leave it out' : `write ${near}`,
  );
}

function hasItsBlock({ keyword, place, block }: Statement, { block: expected, isBlockOptional }: Keyword, said: Said) {
  if ((block === undefined) === (expected === undefined)) return true;
  if (block !== undefined) said.mistake(place, `${keyword} has no block`, 'remove the { behind it, and its }');
  else if (isBlockOptional) return true;
  else said.mistake(place, `the block of ${keyword} is missing`, 'write { behind it, and } at its end');
  return false;
}

function known({ keyword, place, block }: Statement, { fate, note, block: inside }: Keyword, said: Said): void {
  if (fate === 'not done') return said.warning(place, `${keyword} is not done`, mendOf(note));
  if (fate === 'refused') return said.mistake(place, `${keyword} is not done`, mendOf(note));
  if (block !== undefined && inside !== undefined && inside !== 'lines') judge(block, inside, said, keyword);
}

/** A note as the second half of a sentence. */
function mendOf(note = 'leave it out'): string {
  const text = note.replace(/\.$/, '');
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}

const MOST_SHOWN = 3;
const BESIDE = 'let keepalived speak VRRP beside the director';

/** In a block that is not VRRP's own there is one line for all of its keywords. */
function passOver(statements: readonly Statement[], table: Keywords, where: string, said: Said): void {
  if (where === '') {
    for (const { keyword, words, place } of statements) {
      const what = [keyword, ...words.slice(0, 1)].join(' ');
      said.warning(
        place,
        `${what} belongs to VRRP and is passed over`,
        mendOf(keywordOf(table, keyword)?.note ?? BESIDE),
      );
    }
    return;
  }
  const [first] = statements;
  if (first === undefined) return;
  const names = [...new Set(statements.map(({ keyword }) => keyword))];
  const more = names.length > MOST_SHOWN ? ` and ${names.length - MOST_SHOWN} more of ${where}` : '';
  const verbs = names.length > 1 ? 'belong to VRRP and are' : 'belongs to VRRP and is';
  said.warning(first.place, `${names.slice(0, MOST_SHOWN).join(', ')}${more} ${verbs} passed over`, BESIDE);
}
