import { DataStore, Upload } from '@tus/server';
import type { Readable } from 'node:stream';
import { DarkroomError } from '../../contracts/errors.ts';
import type { UploadRecord } from '../../contracts/http-uploads.ts';
import type { UploadRoom } from './upload-room.ts';
import { photoName } from './photo-name.ts';

export const TUS_EXTENSIONS = ['creation', 'creation-with-upload', 'termination', 'expiration'] as const;

/** The shelf as the tus library wants it, for one caller: the uploads of others are as unknown as those that never were. */
export class TusStore extends DataStore {
  override readonly extensions = [...TUS_EXTENSIONS];
  readonly #room: UploadRoom;
  readonly #tenant: string;

  constructor(room: UploadRoom, tenant: string) {
    super();
    this.#room = room;
    this.#tenant = tenant;
  }

  override async create(upload: Upload): Promise<Upload> {
    const { id, size = 0, metadata = {}, creation_date } = upload;
    const createdAt = Date.parse(creation_date ?? '');
    const name = photoName(metadata['filename'] ?? metadata['name'] ?? '');
    await this.#room.shelf.create({ id, tenant: this.#tenant, name, metadata, length: size, createdAt });
    this.#room.waiting.add(id, this.#tenant);
    return upload;
  }

  override async getUpload(id: string): Promise<Upload> {
    const { metadata, length, createdAt } = await ownUpload(this.#room, this.#tenant, id);
    const offset = await this.#room.shelf.offset(id);
    return new Upload({ id, size: length, offset, metadata, creation_date: new Date(createdAt).toISOString() });
  }

  override write(content: Readable, id: string, offset: number): Promise<number> {
    return this.#room.shelf.append(id, offset, content);
  }

  override async remove(id: string): Promise<void> {
    await ownRecord(this.#room, this.#tenant, id);
    await this.#room.shelf.remove(id);
  }

  override getExpiration(): number {
    return this.#room.expiryMs;
  }
}

/** @throws DarkroomError `not_found`, also for those of others; `upload_used` when a batch has it; `upload_expired`. */
export async function ownUpload(room: UploadRoom, tenant: string, id: string): Promise<UploadRecord> {
  const record = await ownRecord(room, tenant, id);
  if (room.isOver(record)) throw new DarkroomError('upload_expired');
  return record;
}

/** What is known of an upload, also when its time is over. */
async function ownRecord({ shelf }: UploadRoom, tenant: string, id: string): Promise<UploadRecord> {
  const record = await shelf.read(id);
  if (record?.tenant === tenant) return record;
  const claimed = record ? undefined : await shelf.claimed(id);
  if (claimed?.record.tenant === tenant) {
    throw new DarkroomError('upload_used', `The upload is a photo of ${claimed.batchId} by now.`);
  }
  throw new DarkroomError('not_found', 'There is no upload with this ID.');
}
