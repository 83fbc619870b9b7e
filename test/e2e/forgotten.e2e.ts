// Property: the journal is enough. On an empty Temporal database a house still lists, shows, hands out and rolls back the batches of
// its data directory, and takes up what was not finished without doing the finished photos again.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operationListSchema } from '../../src/contracts/http-operations.ts';
import { command, House, possible } from './house.ts';
import { crops, type Photo } from './photos.ts';
import { waitFor } from './processes.ts';
import { outcomesOf } from './store-facts.ts';
import { problem, Visitor } from './visitor.ts';

const PHOTOS = 6;
const QUERY = 'quality_level=fast';

describe.skipIf(!possible)('a house whose Temporal server forgot everything', () => {
  let house: House;
  let visitor: Visitor;
  let photos: Photo[];
  let folder: string;
  let finished: string;
  let interrupted: string;
  let copied: string;
  let results: Map<string, string>;
  let before: Awaited<ReturnType<typeof outcomesOf>>;

  beforeAll(async () => {
    house = await House.start();
    visitor = new Visitor(house.url);
    photos = await crops(PHOTOS, 600, 450);
    finished = await visitor.enhanceBatch(photos, QUERY);
    await visitor.ended(finished);
    results = await visitor.results(finished);
    folder = await mkdtemp(join(tmpdir(), 'darkroom-copies-'));
    copied = await enhanceIntoFolder();
    interrupted = await visitor.enhanceBatch(photos, QUERY);
    await visitor.until(interrupted, 'two photos', ({ completed_files }) => completed_files >= 2);
    await house.killEverything();
    before = await outcomesOf(house.dataDir, interrupted);
    await rm(join(house.dataDir, 'temporal'), { recursive: true });
    await house.begin();
  });
  afterAll(async () => {
    await house?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A batch of the command line, which puts copies into a folder. */
  async function enhanceIntoFolder(): Promise<string> {
    const [inside, out] = [join(folder, 'in'), join(folder, 'out')];
    await mkdir(inside);
    for (const { name, bytes } of photos.slice(0, 2)) await writeFile(join(inside, name), bytes);
    const args = [command, 'enhance', inside, '--out', out, '--quality', 'fast', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: house.environment });
    expect(await readdir(out)).toHaveLength(2);
    return JSON.parse(stdout).operation_id;
  }

  const undone = (rollbackId: string): Promise<unknown> =>
    waitFor(`the end of ${rollbackId}`, 60_000, async () =>
      (await visitor.operation(rollbackId)).state === 'completed' ? true : undefined,
    );

  it('shows what it did, in lists, states and downloads', async () => {
    const { operations } = operationListSchema.parse(await (await visitor.get('/api/v1/operations')).json());
    expect(operations.map(({ operation_id: id }) => id).toSorted()).toEqual([finished, copied, interrupted].toSorted());
    expect(await visitor.batch(finished)).toMatchObject({ status: 'completed', completed_files: PHOTOS, stale: false });
    expect(await visitor.results(finished)).toEqual(results);
    const archive = await visitor.get(`/api/v1/batch/download/${finished}`);
    expect([archive.status, archive.headers.get('content-type')]).toEqual([200, 'application/zip']);
    const { status, completed_files, message } = await visitor.batch(interrupted);
    expect([status, completed_files]).toEqual(['failed', before.length]);
    expect(message).toContain(`stopped from outside after ${before.length} of ${PHOTOS}`);
  });

  it('takes up what was not finished, says what it will not do again, and does not do it', async () => {
    const { message } = await visitor.resumed(interrupted, { kept: before.length, remaining: PHOTOS - before.length });
    expect(message).toContain(`${before.length} done before are not done again`);
    expect(await visitor.ended(interrupted)).toMatchObject({ status: 'completed', completed_files: PHOTOS });
    expect(await visitor.results(interrupted)).toEqual(results);
    const after = new Map((await outcomesOf(house.dataDir, interrupted)).map((one) => [one.file, one]));
    for (const one of before) expect(after.get(one.file)).toEqual(one);
  });

  it('rolls back what it no longer knows, copies of the command line included', async () => {
    for (const batchId of [finished, copied]) await undone((await visitor.rollBack(batchId)).operation_id);
    expect(await visitor.operation(finished)).toMatchObject({ state: 'rolled_back', undoable: false });
    const gone = await visitor.get(`/api/v1/download/${finished}.0`);
    expect(await problem(gone)).toMatchObject({ status: 410, code: 'removed' });
    expect(await readdir(join(folder, 'out'))).toEqual([]);
  });
});
