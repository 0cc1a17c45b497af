/** Carries news to all that the options name, in the order in which it came. */
import type { Clock } from '../clock.js';
import type { CheckedService, News } from '../checked-service.js';
import type { NotifyFailedEvent } from '../events.js';
import type { MonitorParts } from '../monitor-parts.js';
import type { CheckedNotifications } from './checked.js';
import { Commands } from './commands.js';
import { FifoLines } from './fifo-lines.js';
import { environment, json, lineWords, subjectOf } from './lines.js';
import type { NotifyCommand, ServerNotifications } from './options.js';
import { Webhook } from './webhook.js';

export class Notifier {
  readonly #options: CheckedNotifications;
  readonly #clock: Clock;
  readonly #commands: Commands;
  readonly #fifo: FifoLines | undefined;
  readonly #webhook: Webhook | undefined;

  constructor(options: CheckedNotifications, parts: MonitorParts, failed: (event: NotifyFailedEvent) => void) {
    const { fifo, webhook } = options;
    const { clock } = parts;
    this.#clock = clock;
    this.#options = options;
    this.#commands = new Commands(parts.runCommand, () => clock.nowMs(), failed);
    this.#fifo = fifo === undefined ? undefined : new FifoLines(fifo, parts.openFifo(fifo), clock, failed);
    this.#webhook = webhook && new Webhook(webhook, parts.post, clock, failed);
  }

  take(service: CheckedService, news: News): void {
    // A server that was taken for up and has passed its first check is no news, unless it is asked for.
    if (news.name === 'server' && !news.isChange && !this.#options.initial) return;
    this.#run(news, commandOf(service, news));
    const words = lineWords(news);
    if (words) this.#fifo?.write(words);
    const { script } = this.#options;
    if (script) {
      const [program, ...given] = script.command;
      this.#run(news, { ...script, command: [program, ...given, ...(words ?? [])] });
    }
    this.#webhook?.send(json(news));
  }

  /** Runs the commands for going down, of a service that goes with its director. */
  omega(watched: CheckedService): void {
    const { service, decision, rules } = watched;
    const at = this.#clock.timeMs();
    for (const [server, checked] of watched.servers) {
      if (!checked || !watched.standing(server)?.isUp) continue;
      const event = { service, server, isUp: false, isFirst: false, message: 'the director stops', at };
      this.#run({ name: 'server', event, isChange: true }, checked.rules.notify.down);
    }
    if (!decision?.hasQuorum) return;
    const event = { service, isUp: false, weight: 0, quorum: rules.quorum.quorum, sorryServers: 0, at };
    this.#run({ name: 'quorum', event }, rules.notify.quorumDown);
  }

  /** Resolves when what there was to tell is told, or has failed. */
  async close(): Promise<void> {
    await Promise.all([this.#commands.close(), this.#webhook?.close()]);
    this.#fifo?.close();
  }

  #run(news: News, command: NotifyCommand | undefined): void {
    if (command) this.#commands.run(subjectOf(news), command, environment(news));
  }
}

function commandOf({ rules, servers }: CheckedService, news: News): NotifyCommand | undefined {
  if (news.name === 'failOpen') return undefined;
  if (news.name === 'quorum') return news.event.isUp ? rules.notify.quorumUp : rules.notify.quorumDown;
  const own: ServerNotifications = servers.get(news.event.server)?.rules.notify ?? {};
  return news.event.isUp ? own.up : own.down;
}
