import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection whose answers have not left; clients that pipeline have a few. */
const UNANSWERED_AT_MOST = 16;
/** Logs, meters, a stream and its watch all want to know when an answer has closed; Node would warn at eleven. */
const LISTENERS_AT_MOST = 20;

/**
 * Hands the requests of a server on, and keeps what one connection may cost within bounds: one that goes on asking without
 * waiting for its answers is cut off, and so is one that takes nothing of an answer for `idleMs`. Handlers take the time that they
 * take, and so do bodies, which have a watch of their own.
 */
export function serveConnections(server: Server, app: RequestListener, idleMs: number): void {
  const unanswered = new WeakMap<Socket, Set<ServerResponse>>();
  server.on('request', (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return; // what else was in the packet with which it was cut off
    const waiting = unanswered.get(socket) ?? watch(socket);
    unanswered.set(socket, waiting);
    if (waiting.size >= UNANSWERED_AT_MOST) {
      socket.destroy();
      return;
    }
    waiting.add(response);
    response.setMaxListeners(LISTENERS_AT_MOST);
    response.once('close', () => waiting.delete(response));
    app(request, response);
  });
  // The time-out of a connection between requests comes here as well.
  server.setTimeout(idleMs, (socket) => {
    const isBetween = (unanswered.get(socket)?.size ?? 0) === 0;
    if (isBetween || socket.writableLength > 0) socket.destroy();
  });
}

/** Node tells only the answer under way that its connection has closed; those behind it are told here. */
function watch(socket: Socket): Set<ServerResponse> {
  const waiting = new Set<ServerResponse>();
  socket.once('close', () => {
    for (const response of waiting) {
      if (response.socket !== null) continue;
      response.destroy();
      response.emit('close');
    }
  });
  return waiting;
}
