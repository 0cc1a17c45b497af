/** The engine's events in `tunvs run`: each has a sentence, none comes too often, none is left out. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { engineEventTypes } from '../../lib/values/engine-event.js';
import { type News, NewsPrinter, SENTENCES } from '../../lib/cli/news.js';

function printer(isJson = false) {
  const out: string[] = [];
  const err: string[] = [];
  const stream = (to: string[]) => {
    const made = new PassThrough();
    made.on('data', (text) => to.push(String(text)));
    return made;
  };
  const io = { stdin: Readable.from(['']), stdout: stream(out), stderr: stream(err) };
  return { out, err, news: new NewsPrinter('run', io, isJson) };
}

const full = (value: number): News => ({ type: 'tableFull', value, message: 'the connection table is full' });

describe('the news of a director', () => {
  it('has a sentence for every event that the native part and the documentation name', () => {
    const source = readFileSync(new URL('../../../native/engine/event_ring.cc', import.meta.url), 'utf8');
    const native = [...source.matchAll(/case EventType::\w+: return "(\w+)";/g)].map(([, name]) => name as string);
    assert.ok(native.length >= 6, 'the names are not where this test looks for them');
    const api = readFileSync(new URL('../../../lib/values/engine-event.ts', import.meta.url), 'utf8');
    const documented = [...api.matchAll(/^ {3}\* - `(\w+)`[:,]/gm)].map(([, name]) => name as string);
    assert.deepEqual(
      native.filter((name) => !documented.includes(name)),
      [],
      'lib/values/engine-event.ts says nothing of them',
    );
    const all = [...new Set([...native, ...documented])];
    assert.deepEqual([...engineEventTypes].sort(), all.sort(), 'the type EngineEventType has others');
    assert.deepEqual(
      all.filter((name) => !Object.hasOwn(SENTENCES, name)),
      [],
      'lib/cli/news.ts has no sentence for them',
    );
  });

  it('is told at once, and what follows as one line with the sum', () => {
    const { err, news } = printer();
    news.tell(full(3));
    assert.equal(err.length, 1);
    assert.match(err[0] as string, /^tunvs run: the connection table is full: 3 connections gave way or .*\n$/);
    news.tell(full(4));
    news.tell(full(5));
    assert.equal(err.length, 1);
    news.end();
    assert.equal(err.length, 2);
    assert.match(err[1] as string, /: 9 connections gave way/);
  });

  it('of one kind does not hold back another', () => {
    const { err, news } = printer();
    news.tell(full(1));
    news.tell({ type: 'packetsTooLong', value: 2, message: '' });
    news.warn('one thing is odd');
    news.warn('another thing is odd');
    assert.deepEqual(err.slice(1), [
      "tunvs run: 2 packets exceeded the device's buffers and were dropped\n",
      'tunvs run: one thing is odd\n',
      'tunvs run: another thing is odd\n',
    ]);
    news.end();
  });

  it('that nobody knows is told in its own words', () => {
    const { err, news } = printer();
    news.tell({ type: 'newest', value: 1, message: 'a route was put back' });
    news.tell({ type: 'toString', value: 1, message: 'no sentence of Object' });
    assert.deepEqual(err, [
      'tunvs run: newest: a route was put back\n',
      'tunvs run: toString: no sentence of Object\n',
    ]);
    news.end();
  });

  it('is JSON on standard output where that is asked for', () => {
    const { out, err, news } = printer(true);
    news.tell(full(3));
    news.warn('odd');
    assert.deepEqual(err, []);
    assert.deepEqual(
      out.map((line) => JSON.parse(line)),
      [
        { event: 'tableFull', value: 3, message: 'the connection table is full' },
        { event: 'warning', message: 'odd' },
      ],
    );
    news.end();
  });
});
