/** The control API of an offline director, without a door. */
import { type ControlApp, controlApp } from '../../lib/control/app.js';
import type { ControlContext } from '../../lib/control/context.js';
import type { Access } from '../../lib/control/door/door.js';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { RulesSession } from '../../lib/rules/session.js';

export interface Asked {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
  json: any;
}

export interface TestedApi {
  director: OfflineDirector;
  app: ControlApp;
  /** What was logged as an error. */
  faults: string[];
  ask(
    method: string,
    path: string,
    body?: unknown,
    options?: { access?: Access; headers?: Record<string, string> },
  ): Promise<Asked>;
}

export function testedApi(others: Partial<ControlContext> = {}): TestedApi {
  const director = Director.offline({
    source: ['10.2.0.2', '2001:db8:2::2'],
    fullNat: { sources: '10.2.9.1' },
    maxConnections: 4096,
  });
  const faults: string[] = [];
  const log = { warn: () => {}, error: (_: string, __?: object, sentence = '') => void faults.push(sentence) };
  const app = controlApp({ director, session: new RulesSession(director), name: 'test', log, ...others });
  return {
    ...{ director, app, faults },
    async ask(method, path, body, { access = 'write', headers = {} } = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const response = await app.fetch(
        new Request(`http://tunvs${path}`, {
          method,
          headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
          ...(body !== undefined && { body: text }),
        }),
        access,
      );
      const said = await response.text();
      const isJson = /json$/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        headers: response.headers,
        text: said,
        json: isJson && said !== '' ? JSON.parse(said) : undefined,
      };
    },
  };
}
