/** A control socket with nothing but `POST /v1/ipvsadm`, over an executor: a daemon as far as tunvsadm sees it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Piece } from '../../lib/adm/ask.js';

export interface AdmRequest {
  argv: string[];
  stdin: string;
}

export type Executor = (request: AdmRequest) => AsyncIterable<Piece>;

/** Answers with a text and exit code 0, whatever is asked. */
export const says = (out: string): Executor =>
  async function* () {
    yield { out };
    yield { exit: 0 };
  };

export class AdmServer {
  readonly requests: AdmRequest[] = [];
  /** How many clients have come. */
  connections = 0;
  /** What answers; a test may put another in its place at any time. */
  execute: Executor;
  readonly socket: string;
  readonly #server: Server;

  private constructor(socket: string, execute: Executor) {
    this.socket = socket;
    this.execute = execute;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    }).on('connection', () => {
      this.connections++;
    });
  }

  static async open(execute: Executor, socket = join(mkdtempSync(join(tmpdir(), 'tunvs-adm-')), 'd.sock')) {
    const server = new AdmServer(socket, execute);
    server.#server.listen(socket);
    await once(server.#server, 'listening');
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST' || request.url !== '/v1/ipvsadm') {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end('{"title":"Not Found"}');
      return;
    }
    const asked = JSON.parse(await text(request)) as AdmRequest;
    this.requests.push(asked);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for await (const piece of this.execute(asked)) {
      if (!response.write(`${JSON.stringify(piece)}\n`)) await once(response, 'drain');
    }
    response.end();
  }

  /** Cuts off whoever waits for an answer. */
  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async dispose(): Promise<void> {
    if (this.#server.listening) await this.close();
    rmSync(dirname(this.socket), { recursive: true, force: true });
  }
}
