/** Shows the demo as a picture that follows what happens, and takes keys. */
import { type KeyAction, KeyReader } from './keys.js';
import { playedLine, verdict } from './lines-presenter.js';
import { Model } from './model.js';
import { toggleDrain, toggleServer } from './operator.js';
import { drawPicture, type Theme } from './picture.js';
import type { Play } from './play.js';
import type { Presenter } from './presenter.js';
import type { Stage } from './stage.js';
import { line, paint, span } from './styled-line.js';
import { Terminal, type TerminalInput, type TerminalOutput } from './terminal.js';

export interface LiveOptions {
  output: TerminalOutput;
  input: TerminalInput;
  theme: Theme;
  hasColour: boolean;
  /** Called on `q`, by somebody who has seen enough. */
  onEnd(): void;
  /** Called on Ctrl-C, which is no signal while the terminal gives keys one by one. */
  onInterrupt(): void;
}

export function livePresenter(options: LiveOptions): Presenter {
  return new LivePresenter(options);
}

class LivePresenter implements Presenter {
  readonly #options: LiveOptions;
  #terminal: Terminal | undefined;
  #model: Model | undefined;
  #stage: Stage | undefined;
  #play: Play | undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  opening(): void {
    this.#options.output.write('Building a lab of network namespaces; Ctrl-C ends it ...\n');
  }

  opened(stage: Stage, play: Play): void {
    this.#stage = stage;
    this.#play = play;
    const keys = new KeyReader();
    this.#terminal = new Terminal(this.#options, {
      onKeys: (text) => {
        for (const action of keys.read(text)) this.#act(action);
      },
      onResize: () => this.#draw(),
      onHangUp: () => this.#options.onEnd(),
    });
    this.#model = new Model(stage, this.#terminal.hasKeys);
    this.#draw();
  }

  sampled(): void {
    this.#model?.sampled();
    this.#draw();
  }

  began(_scene: unknown, index: number): void {
    this.#change((model) => {
      model.scene = index;
      model.message = '';
    });
  }

  played(title: string, outcome: { text: string; ok: boolean }): void {
    this.#change((model) => model.played.push({ title, ...outcome }));
  }

  answered(count: number, failures: readonly string[]): void {
    if (this.#model === undefined) return;
    this.#model.answered += count;
    this.#model.failed += failures.length;
    if (failures.length > 0) this.#model.message = `${failures.length} requests were not answered (${failures[0]}).`;
  }

  ended(isFine: boolean, scenes: number): void {
    this.close();
    const played = this.#model?.played ?? [];
    const lines = [...played.map(playedLine), line(span(verdict(isFine, scenes), isFine ? 'good' : 'bad'))];
    for (const each of lines) this.#options.output.write(`${paint(each, this.#options.hasColour)}\n`);
  }

  close(): void {
    this.#terminal?.close();
    this.#terminal = undefined;
  }

  #change(change: (model: Model) => void): void {
    if (this.#model !== undefined) change(this.#model);
    this.#draw();
  }

  #draw(): void {
    if (this.#terminal === undefined || this.#model === undefined) return;
    this.#terminal.draw(drawPicture(this.#model.state(), this.#terminal.size, this.#options.theme));
  }

  #act(action: KeyAction): void {
    const count = this.#stage?.servers.length ?? 1;
    switch (action.kind) {
      case 'end':
        return this.#options.onEnd();
      case 'interrupt':
        return this.#options.onInterrupt();
      case 'next':
        return this.#play?.next();
      case 'select':
        return this.#change((model) => {
          if (action.index < count) model.selected = action.index;
        });
      case 'move':
        return this.#change((model) => {
          model.selected = (model.selected + action.by + count) % count;
        });
      default:
        return this.#operate(action.kind === 'toggle' ? toggleServer : toggleDrain);
    }
  }

  #operate(operation: typeof toggleServer): void {
    const stage = this.#stage;
    const server = stage?.servers[this.#model?.selected ?? 0];
    if (stage === undefined || server === undefined) return;
    this.#change((model) => {
      model.message = `${server.name} is changing ...`;
    });
    this.#play?.ask(async () => {
      const message = await operation(stage, server);
      this.#change((model) => {
        model.message = `${message} The scenes wait: n goes on.`;
      });
    });
  }
}
