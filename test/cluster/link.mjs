import { connect, createServer } from 'node:net';

/** The way of one worker to Temporal: everything passes, or, while it is cut, nothing is heard either way and nobody is told. */
export class Link {
  cuts = 0;
  #cut = false;
  #sockets = new Set();
  #server = createServer({ allowHalfOpen: false }, (client) => this.#join(client));

  /** @param plan name, own address and the one behind it, as `{ host, port }` */
  constructor(plan) {
    this.plan = plan;
  }

  get name() {
    return this.plan.name;
  }

  async start() {
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(this.plan.at, resolve);
    });
  }

  /** As when a cable is pulled: connections stay open and say nothing. */
  cut() {
    this.cuts += 1;
    this.#cut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What was open is found to be dead; new connections pass. */
  mend() {
    this.#cut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client) {
    const server = connect(this.plan.to);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(socket);
      socket.on('data', (chunk) => other.write(chunk));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      if (this.#cut) socket.pause();
    }
  }
}
