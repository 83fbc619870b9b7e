import { connect, createServer, type Socket } from 'node:net';

/** A line between a browser and a server that stalls uploads and can be cut: bytes are passed on as they are. */
export interface ThinLine {
  readonly address: string;
  /** Of each connection, only so many bytes get through to the server until it is mended. */
  stallAfter(bytes: number): void;
  /** Every connection breaks off, and no new one comes about. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function openLine(target: string): Promise<ThinLine> {
  const port = Number(new URL(target).port);
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let most = Number.POSITIVE_INFINITY;
  let isCut = false;

  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    const far = connect(port, '127.0.0.1');
    let passed = 0;
    for (const [one, other] of [
      [client, far],
      [far, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => one.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    far.pipe(client);
    client.on('data', (bytes) => {
      const pass = (): void => void far.write(bytes);
      passed += bytes.length;
      if (passed <= most) return pass();
      client.pause();
      waiting.add(() => {
        pass();
        client.resume();
      });
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const own = server.address();
  const release = (): void => {
    for (const go of waiting) go();
    waiting.clear();
  };
  return {
    address: `http://127.0.0.1:${typeof own === 'object' && own !== null ? own.port : 0}`,
    stallAfter: (bytes) => (most = bytes),
    cut() {
      isCut = true;
      waiting.clear();
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      isCut = false;
      most = Number.POSITIVE_INFINITY;
      release();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
