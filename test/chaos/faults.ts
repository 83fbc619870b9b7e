import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { House } from '../e2e/house.ts';
import { waitFor } from '../e2e/processes.ts';
import type { Photo } from '../e2e/photos.ts';
import { SecondWorker } from './second-worker.ts';
import { fillDisk, SmallDisk } from './small-disk.ts';

export const HEARTBEAT_TIMEOUT_MS = 2000;

/** A house with a batch under way in it. */
export interface Scene {
  readonly house: House;
  readonly photos: readonly Photo[];
  readonly roll: () => number;
}

export interface Fault {
  readonly name: string;
  /** Makes the scene ready before the batch is sent; what it answers tidies up after the round. */
  readonly prepare?: (house: House) => Promise<() => Promise<void>>;
  readonly strike: (scene: Scene) => Promise<void>;
  /** Set when the fault needs a disk of its own. */
  readonly onSmallDisk?: true;
}

const kill = (name: string, part: Parameters<House['signal']>[0], signal: NodeJS.Signals): Fault => ({
  name,
  async strike({ house }) {
    await house.signal(part, signal);
  },
});

/** Longer than the heartbeat time-out, so that Temporal has given its photos up; at most three times as long. */
const pauseOf = (roll: () => number): number => HEARTBEAT_TIMEOUT_MS * (1.3 + roll() * 1.7);

const workerPaused: Fault = {
  name: 'worker paused beyond its heartbeat',
  async strike({ house, roll }) {
    await house.signal('worker', 'SIGSTOP');
    try {
      await sleep(pauseOf(roll));
    } finally {
      await house.signal('worker', 'SIGCONT');
    }
  },
};

const twoWorkers: Fault = {
  name: 'paused worker races a second one',
  async prepare(house) {
    const second = await SecondWorker.start(house);
    return () => second.stop();
  },
  strike: (scene) => workerPaused.strike(scene),
};

const everything: Fault = {
  name: 'everything killed, started again',
  async strike({ house }) {
    await house.killEverything();
    await house.begin();
  },
};

/** A second client is in the middle of sending a photo when the API dies. */
const upload: Fault = {
  name: 'API killed in an upload',
  async strike({ house, photos }) {
    const sending = startUpload(house.url, photos[0]);
    await sleep(300);
    await house.signal('api', 'SIGKILL');
    await sending.ended;
  },
};

function startUpload(url: string, photo: Photo | undefined): { ended: Promise<void> } {
  const boundary = 'chaos';
  const outgoing = request(`${url}/api/v1/enhance`, {
    method: 'POST',
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': '10000000' },
  });
  const ended = new Promise<void>((resolve) => {
    outgoing.once('error', () => resolve()).once('response', () => resolve());
  });
  outgoing.write(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="half.jpg"\r\n\r\n`);
  outgoing.write(photo?.bytes ?? Buffer.alloc(0));
  return { ended };
}

const diskFull: Fault = {
  name: 'disk full, then freed',
  onSmallDisk: true,
  async strike({ house }) {
    const free = await fillDisk(house.dataDir);
    try {
      await sleep(4000);
    } finally {
      await free();
    }
    await waitFor('health after the disk was freed', 60_000, async () =>
      (await house.health()) === 'healthy' ? true : undefined,
    );
  },
};

export const FAULTS: readonly Fault[] = [
  kill('worker killed', 'worker', 'SIGKILL'),
  kill('engine killed', 'engine', 'SIGKILL'),
  kill('API killed', 'api', 'SIGKILL'),
  kill('Temporal killed', 'temporal', 'SIGKILL'),
  kill('worker told to stop', 'worker', 'SIGTERM'),
  workerPaused,
  twoWorkers,
  everything,
  upload,
  ...(SmallDisk.possible ? [diskFull] : []),
];
