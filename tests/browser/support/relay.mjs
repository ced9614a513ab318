/**
 * A relay of Oblivious HTTP (RFC 9458), and a door before a server that notes who comes.
 *
 * @module
 */

import { createServer, request as send } from 'node:http';
import { connect, createServer as createDoor } from 'node:net';

const listening = async (t, server) => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return server.address().port;
};

/**
 * Passes connections on to the server at `url()`; `callers` are the ports that they came from.
 */
export async function door(t, url) {
  const callers = [];
  const server = createDoor((caller) => {
    callers.push(caller.remotePort);
    const { hostname, port } = new URL(url());
    const inner = connect(Number(port), hostname);
    caller.pipe(inner).pipe(caller);
    for (const socket of [caller, inner]) {
      socket.on('error', () => {
        caller.destroy();
        inner.destroy();
      });
    }
  });
  return { url: `http://127.0.0.1:${await listening(t, server)}`, callers };
}

/**
 * Passes each body on to the gateway at `target` in a connection of its own, with its type and
 * nothing else. `seen` is all that it sees; `ports` are those that it called from; while `down`
 * holds it answers 502.
 */
export async function relay(t, target) {
  const self = { seen: [], ports: [], down: false };
  const server = createServer(async (request, response) => {
    // For any shop's page.
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', 'content-type');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const note = { method: request.method, headers: request.rawHeaders.join('\n'), body };
    self.seen.push(note);
    if (self.down) return response.writeHead(502).end();
    const onward = send(target, {
      ...{ agent: false, method: 'POST' },
      headers: { 'content-type': 'message/ohttp-req', 'content-length': body.length },
    });
    onward.on('socket', (socket) =>
      socket.once('connect', () => self.ports.push(socket.localPort)),
    );
    onward.on('error', () => response.writeHead(502).end());
    onward.on('response', async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      note.answer = Buffer.concat(parts);
      response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] });
      response.end(note.answer);
    });
    onward.end(body);
  });
  self.url = `http://127.0.0.1:${await listening(t, server)}/shop`;
  return self;
}
