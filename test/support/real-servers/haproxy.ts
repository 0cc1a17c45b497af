/** HAProxy in a lab: a web server, and the agent beside it, which says what stands in a file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface HaproxyPorts {
  web: number;
  agent: number;
}

export class HaproxyFolder {
  readonly #folder: string;

  constructor(folder: string, { web, agent }: HaproxyPorts) {
    this.#folder = folder;
    this.say('up 100%');
    const script = `core.register_service('agent', 'tcp', function(applet)
  local file = io.open('${join(folder, 'word')}')
  applet:send(file:read('l') .. '\\n')
  file:close()
end)
`;
    writeFileSync(join(folder, 'agent.lua'), script);
    const text = `global
  lua-load ${join(folder, 'agent.lua')}
defaults
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend web
  mode http
  bind :::${web} v4v6
  http-request return status 200
frontend agent
  mode tcp
  bind :::${agent} v4v6
  tcp-request content use-service lua.agent
`;
    writeFileSync(join(folder, 'haproxy.cfg'), text);
  }

  get command(): string[] {
    return ['haproxy', '-db', '-q', '-f', join(this.#folder, 'haproxy.cfg')];
  }

  /** Sets the word of the agent, in the text of agent-check. */
  say(word: string): void {
    writeFileSync(join(this.#folder, 'word'), `${word}\n`);
  }
}
