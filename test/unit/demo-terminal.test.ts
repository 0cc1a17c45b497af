import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { KeyReader } from '../../lib/demo/keys.js';
import { linesPresenter } from '../../lib/demo/lines-presenter.js';
import { columnsOf, cutLine, cutText, fitText, line, paint, span, wrapText } from '../../lib/demo/styled-line.js';
import { canRedraw, hasColour, hasUnicode, Terminal } from '../../lib/demo/terminal.js';

describe('styled lines', () => {
  it('count columns: wide characters two, combining ones none', () => {
    assert.deepEqual(['abc', '負荷', 'e\u0301', '🙂', '→█▸', ''].map(columnsOf), [3, 4, 1, 2, 3, 0]);
  });

  it('are cut by columns, never through a character', () => {
    assert.equal(cutText('負荷分', 5), '負荷');
    assert.equal(fitText('負荷分', 5), '負荷 ');
    assert.equal(fitText('7', -3), '  7');
    assert.deepEqual(cutLine(line('ab', span('cd', 'bold'), 'ef'), 3), [span('ab'), span('c', 'bold')]);
  });

  it('are wrapped at words', () => {
    assert.deepEqual(wrapText('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrapText('incomprehensible no', 5), ['incom', 'no']);
  });

  it('have colours only where they are wanted', () => {
    assert.equal(paint(line('a', span('b', 'good')), true), 'a\x1b[32mb\x1b[0m');
    assert.equal(paint(line('a', span('b', 'good')), false), 'ab');
  });
});

describe('keys', () => {
  it('are read one by one, however they arrive', () => {
    assert.deepEqual(new KeyReader().read('2s\x1b[A\x1b[Bq'), [
      { kind: 'select', index: 1 },
      { kind: 'toggle' },
      { kind: 'move', by: -1 },
      { kind: 'move', by: 1 },
      { kind: 'end' },
    ]);
  });

  it('that are not known mean nothing, nor do the letters in their sequences', () => {
    assert.deepEqual(new KeyReader().read('\x1b[1;5D\x1b[3~\x1bOdx0ü'), []);
    assert.deepEqual(new KeyReader().read('\x03'), [{ kind: 'interrupt' }]);
    assert.deepEqual(new KeyReader().read('\x1c'), [{ kind: 'interrupt' }]);
  });

  it('are not what is pasted, in whatever pieces that arrives', () => {
    const text = 'd\x1b[200~1sq\x03\nn\x1b[201~n';
    const wanted = [{ kind: 'drain' }, { kind: 'next' }];
    for (let size = 1; size <= text.length; size += 1) {
      const reader = new KeyReader();
      const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      assert.deepEqual(
        pieces.flatMap((piece) => reader.read(piece)),
        wanted,
        `${size}`,
      );
    }
  });
});

describe('the last word', () => {
  it('is not about requests when no scene was over', () => {
    const said = (scenes: number, isFine = true) => {
      const output = new FakeOutput();
      linesPresenter(output, { hasColour: false, isOnce: true }).ended(isFine, scenes);
      return output.text;
    };
    assert.equal(said(0), 'Ended before the first scene was over.\n');
    assert.equal(said(1), 'Every request was answered as it should be.\n');
    assert.equal(said(0, false), 'Not everything came as it should: see the lines above.\n');
  });
});

describe('what a terminal can', () => {
  const terminal = { isTTY: true, write() {} };
  const pipe = { write() {} };

  it('follows NO_COLOR, TERM and whether it is one', () => {
    assert.equal(hasColour(terminal, { TERM: 'xterm' }), true);
    assert.equal(hasColour(terminal, { TERM: 'xterm', NO_COLOR: '' }), true);
    assert.equal(hasColour(terminal, { TERM: 'xterm', NO_COLOR: '1' }), false);
    assert.equal(hasColour(terminal, { TERM: 'dumb' }), false);
    assert.equal(hasColour(pipe, { TERM: 'xterm' }), false);
    assert.deepEqual([canRedraw(terminal, { TERM: 'dumb' }), canRedraw(terminal, {})], [false, true]);
  });

  it('follows the locale', () => {
    assert.equal(hasUnicode({ LANG: 'en_GB.UTF-8' }), true);
    assert.equal(hasUnicode({ LANG: 'en_GB.UTF-8', LC_ALL: 'C' }), false);
    assert.equal(hasUnicode({}), false);
  });
});

class FakeInput extends EventEmitter {
  readonly rawModes: boolean[] = [];
  constructor(readonly isTTY: boolean) {
    super();
  }
  setRawMode(isRaw: boolean): void {
    this.rawModes.push(isRaw);
  }
  resume(): void {}
  pause(): void {}
}

class FakeOutput extends EventEmitter {
  readonly isTTY = true;
  columns = 4;
  rows = 2;
  text = '';
  write(text: string): void {
    this.text += text;
  }
}

describe('the terminal', () => {
  const open = (isTTY = true) => {
    const output = new FakeOutput();
    const input = new FakeInput(isTTY);
    const seen: string[] = [];
    const terminal = new Terminal(
      { output, input, hasColour: false },
      {
        onKeys: (text) => seen.push(text),
        onResize: () => seen.push('resize'),
        onHangUp: () => seen.push('hang-up'),
      },
    );
    return { output, input, seen, terminal };
  };

  it('draws as many rows as it has, each cut to its width, and ends without a line break', () => {
    const { output, terminal } = open();
    output.text = '';
    terminal.draw([line('abcdef'), line('x'), line('below')]);
    assert.equal(output.text, '\x1b[?7l\x1b[H\x1b[2Kabcd\r\n\x1b[2Kx\x1b[?7h');
    terminal.close();
  });

  it('passes on keys, resizes and the end of its input until it is closed', () => {
    const { output, input, seen, terminal } = open();
    input.emit('data', Buffer.from('q'));
    output.emit('resize');
    input.emit('end');
    terminal.close();
    input.emit('data', Buffer.from('q'));
    output.emit('resize');
    assert.deepEqual(seen, ['q', 'resize', 'hang-up']);
  });

  it('gives raw mode and the screen back, once', () => {
    const { output, input, terminal } = open();
    const before = process.listenerCount('exit');
    terminal.close();
    terminal.close();
    assert.deepEqual(input.rawModes, [true, false]);
    assert.ok(output.text.startsWith('\x1b[?1049h\x1b[?25l\x1b[?2004h'));
    assert.ok(output.text.endsWith('\x1b[?2004l\x1b[?25h\x1b[?1049l'));
    assert.equal(output.text.split('\x1b[?1049l').length, 2);
    assert.equal(process.listenerCount('exit'), before - 1);
  });

  it('leaves an input alone that is no terminal', () => {
    const { input, terminal } = open(false);
    assert.equal(terminal.hasKeys, false);
    terminal.close();
    assert.deepEqual(input.rawModes, []);
  });
});
