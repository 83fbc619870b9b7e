import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';
import {
  isUploadId,
  momentOfUpload,
  shardOfUpload,
  uploadRecordSchema,
  type UploadRecord,
} from '../contracts/http-uploads.ts';
import { syncDirectory } from './durable-files.ts';
import { sideBySide } from './side-by-side.ts';
import { parseUploadName, UploadPaths, type Claim } from './upload-paths.ts';

type OutcomeOf = (claim: Claim, claimedAt: number) => Promise<'taken' | 'given back' | undefined>;

const AT_ONCE = 16;

/**
 * Uploads that come in piece by piece, until a batch takes them: files of this host that outlive the process
 * (`upload-paths.ts`).
 *
 * The rename of its record gives an upload away: of two batches that want it one gets it. Its bytes are linked into the batch
 * and removed here when the batch is certain to exist; so a process that dies in between loses nothing ({@link sweep}).
 */
export class UploadShelf {
  readonly #paths: UploadPaths;

  constructor(root: string) {
    this.#paths = new UploadPaths(root);
  }

  async create(record: UploadRecord): Promise<void> {
    await this.#guard(async () => {
      await mkdir(this.#paths.shardOf(record.id), { recursive: true, mode: 0o700 });
      await (await open(this.bytesPath(record.id), 'wx', 0o600)).close();
      await this.describe(record);
    });
  }

  /** Writes what is known of an upload; whole or not at all. */
  async describe(record: UploadRecord): Promise<void> {
    const path = this.#paths.record(record.id);
    await this.#guard(async () => {
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(record)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
      await syncDirectory(this.#paths.shardOf(record.id));
    });
  }

  /** `undefined` for uploads that never were, are over, or were given to a batch. */
  async read(id: string): Promise<UploadRecord | undefined> {
    return isUploadId(id) ? this.#readRecord(this.#paths.record(id)) : undefined;
  }

  /** Bytes that have come; 0 once they were removed. */
  async offset(id: string): Promise<number> {
    return (await this.#ifPresent(() => stat(this.bytesPath(id))))?.size ?? 0;
  }

  /**
   * Writes what comes from `offset` on. What came before the source broke off is kept: that is what resuming means.
   * @returns the new offset, once it is on the disk.
   */
  async append(id: string, offset: number, content: AsyncIterable<Uint8Array>): Promise<number> {
    const file = await this.#openForWriting(id);
    let at = offset;
    try {
      for await (const chunk of content) {
        await this.#guard(() => writeWhole(file, chunk, at));
        at += chunk.byteLength;
      }
      await this.#guard(() => file.sync());
    } finally {
      await file.close();
    }
    return at;
  }

  async remove(id: string): Promise<void> {
    // The record goes first: bytes without one are nobody's and swept.
    for (const path of [this.#paths.record(id), this.bytesPath(id)]) await this.#ifPresent(() => unlink(path));
  }

  /**
   * Gives uploads to a batch, all or none. They come back with {@link release}, or are over with {@link settle}.
   * @returns the first that cannot be given: it is another batch's by now.
   */
  async claim(ids: readonly string[], claim: Claim): Promise<string | undefined> {
    const given: string[] = [];
    let taken: string | undefined;
    try {
      await sideBySide(ids, AT_ONCE, async (id) => {
        if (taken !== undefined) return;
        const done = await this.#ifPresent(async () => {
          await rename(this.#paths.record(id), this.#paths.claimed(id, claim));
          return true;
        });
        if (done) given.push(id);
        else taken ??= id;
      });
      if (taken === undefined) await this.#syncShards(ids);
    } catch (error) {
      await this.release(given, claim);
      throw error;
    }
    if (taken !== undefined) await this.release(given, claim);
    return taken;
  }

  async release(ids: readonly string[], claim: Claim): Promise<void> {
    await sideBySide(ids, AT_ONCE, async (id) => {
      await this.#ifPresent(() => rename(this.#paths.claimed(id, claim), this.#paths.record(id)));
    });
  }

  /** The batch has them: their bytes lie there now. Their records stay for a while, so that a second use can be explained. */
  async settle(ids: readonly string[]): Promise<void> {
    await sideBySide(ids, AT_ONCE, async (id) => {
      await this.#ifPresent(() => unlink(this.bytesPath(id)));
    });
  }

  /** An upload that was given to a batch. */
  async claimed(id: string): Promise<{ record: UploadRecord; batchId: string } | undefined> {
    if (!isUploadId(id)) return undefined;
    for (const name of await this.#names(shardOfUpload(id))) {
      const parsed = parseUploadName(name);
      if (parsed?.id !== id || parsed.claim === undefined) continue;
      const record = await this.#readRecord(join(this.#paths.shardOf(id), name));
      if (record) return { record, batchId: parsed.claim.batchId };
    }
    return undefined;
  }

  /**
   * Removes the bytes of uploads that were made before `deadline`, and what is left of those made a whole `deadline` earlier;
   * settles claims that a process left open when it died.
   * @returns uploads that are waiting for their bytes or a batch.
   */
  async sweep(options: {
    deadline: number;
    forgetBefore: number;
    /** Whether a claim came to an end; `undefined` while it may still be under way. It was made at `claimedAt`, epoch milliseconds. */
    outcomeOf: OutcomeOf;
  }): Promise<string[]> {
    const waiting: string[] = [];
    for (const shard of await this.#shards()) {
      const names = await this.#names(shard);
      const withBytes = new Set(names.filter((name) => name.endsWith('.bytes')).map((name) => name.slice(0, -6)));
      for (const name of names) {
        const { id, kind, claim } = parseUploadName(name) ?? {};
        const moment = id === undefined ? undefined : momentOfUpload(id);
        if (id === undefined || moment === undefined) continue;
        if (claim !== undefined && withBytes.has(id)) await this.#end(id, claim, options.outcomeOf);
        const over = moment < (kind === 'record' ? options.forgetBefore : options.deadline);
        if (over) await this.#ifPresent(() => unlink(join(this.#paths.shard(shard), name)));
        else if (name === `${id}.json` && moment >= options.deadline) waiting.push(id);
      }
    }
    return waiting;
  }

  /** Where the bytes lie, for programs that read a file of this host. */
  bytesPath(id: string): string {
    return this.#paths.bytes(id);
  }

  async #end(id: string, claim: Claim, outcomeOf: OutcomeOf): Promise<void> {
    // The rename that made the claim is the last change of its file's entry.
    const made = await this.#ifPresent(() => stat(this.#paths.claimed(id, claim)));
    if (!made) return;
    const outcome = await outcomeOf(claim, made.ctimeMs);
    if (outcome === 'taken') await this.settle([id]);
    if (outcome === 'given back') await this.release([id], claim);
  }

  async #readRecord(path: string): Promise<UploadRecord | undefined> {
    const text = await this.#ifPresent(() => readFile(path, 'utf8'));
    return text === undefined ? undefined : uploadRecordSchema.parse(JSON.parse(text));
  }

  async #openForWriting(id: string): Promise<FileHandle> {
    const file = await this.#ifPresent(() => open(this.bytesPath(id), constants.O_WRONLY | constants.O_NOFOLLOW));
    if (!file) throw new DarkroomError('upload_expired');
    return file;
  }

  async #shards(): Promise<string[]> {
    return (await this.#ifPresent(() => readdir(this.#paths.root))) ?? [];
  }

  async #names(shard: string): Promise<string[]> {
    return (await this.#ifPresent(() => readdir(this.#paths.shard(shard)))) ?? [];
  }

  async #syncShards(ids: readonly string[]): Promise<void> {
    const shards = [...new Set(ids.map(shardOfUpload))];
    await sideBySide(shards, AT_ONCE, (shard) => syncDirectory(this.#paths.shard(shard)));
  }

  async #ifPresent<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return undefined;
      throw asDarkroomError(error);
    }
  }

  async #guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw asDarkroomError(error);
    }
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, position + done);
    done += bytesWritten;
  }
}
