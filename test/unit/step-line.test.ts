/** What a person sees of a build's steps. */
import { strict as assert } from 'node:assert';
import { mock } from 'node:test';

const { StepLine } = await import(new URL('../../../scripts/lib/step-line.js', import.meta.url).href);

class Screen {
  readonly columns = 40;
  text = '';
  readonly isTTY: boolean;
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }
  write(text: string): void {
    this.text += text;
  }
}

describe('the line of a step', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
  afterEach(() => mock.timers.reset());

  it('on a terminal is there at once, is written anew, never wraps, and is gone at the end', () => {
    const screen = new Screen(true);
    const line = new StepLine('building', screen);
    assert.equal(screen.text, '\r\x1b[Kbuilding ...');
    screen.text = '';
    line.show('file 1 of 300, which takes some minutes on two cores');
    line.show('file 1 of 300, which takes some minutes on two cores');
    line.show(undefined);
    assert.equal(screen.text, '\r\x1b[Kbuilding: file 1 of 300, which takes so');
    screen.text = '';
    line.end();
    assert.equal(screen.text, '\r\x1b[K');
  });

  it('elsewhere is told after a while and then now and then, but not of what is over soon', () => {
    const screen = new Screen(false);
    const soon = new StepLine('compiling', screen);
    mock.timers.tick(2_999);
    soon.end();
    mock.timers.tick(60_000);
    assert.equal(screen.text, '');
    const long = new StepLine('building', screen);
    long.show('file 1 of 9');
    mock.timers.tick(3_000);
    long.show('file 5 of 9');
    mock.timers.tick(17_000);
    long.end();
    mock.timers.tick(60_000);
    assert.equal(screen.text, 'building: file 1 of 9\nbuilding: file 5 of 9\n');
  });
});
