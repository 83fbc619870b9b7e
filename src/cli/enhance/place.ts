import { join } from 'node:path';
import type { Destination, PhotoResult } from '../../contracts/batch.ts';
import type { FoundPhoto } from './collect-photos.ts';
import type { OrderedPhoto, PlacedFile } from './order-record.ts';
import { exists, placeResult, type ResultsFolder } from './place-result.ts';

/** Where the results of one command go. */
export interface Place {
  /** What the batches are told. */
  readonly destination: Destination;
  /** What an earlier run of the command ordered for this photo; `undefined` when it has to be enhanced. */
  recall(photo: FoundPhoto): Promise<Recalled | undefined>;
  /** The name its result is to have there, where the worker puts it there. */
  target?(photo: FoundPhoto): string;
  /** Called once for a photo that is done; afterwards its result is where it belongs. */
  settle(ordered: OrderedPhoto, result: PhotoResult): Promise<PlacedFile>;
}

export interface Recalled {
  readonly ordered: OrderedPhoto;
  /** True when nothing is left to do for it. */
  readonly done: boolean;
}

/** Results go into a folder as copies that this process makes: the store keeps its own. */
export function folderPlace(folder: ResultsFolder): Place {
  return {
    destination: { kind: 'store' },
    async recall(photo) {
      const ordered = folder.record.find(photo);
      if (ordered === undefined) return undefined;
      const { placed } = ordered;
      return { ordered, done: placed !== undefined && (await exists(join(folder.outDir, placed.file))) };
    },
    settle: async (ordered, result) => await placeResult(folder, ordered, result),
  };
}
