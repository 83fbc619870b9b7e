// Property: a download goes on where it was cut off, ends as exactly the pinned bytes or not at all, and stops when told to.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downloadUrl } from '../../src/download/url.ts';

const content = randomBytes(300_000);
const file = { name: 'weights.bin', bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
let folder: string;
let server: Server;
let url: string;
let ranges: (string | undefined)[];
/** Bytes after which the next answer is cut off. */
let cutAfter: number | undefined;
let honoursRanges: boolean;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-url-'));
  [ranges, cutAfter, honoursRanges] = [[], undefined, true];
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    const from = honoursRanges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from });
    if (cutAfter === undefined) response.end(content.subarray(from));
    else response.write(content.subarray(from, from + cutAfter), () => response.destroy());
    cutAfter = undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/weights.bin`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

describe('downloadUrl', () => {
  it('goes on with what an earlier run left', async () => {
    await writeFile(join(folder, 'weights.bin.part'), content.subarray(0, 100_000));
    const path = await downloadUrl({ url, file, directory: folder });
    expect(ranges).toEqual(['bytes=100000-']);
    expect((await readFile(path)).equals(content)).toBe(true);
    expect(await readdir(folder)).toEqual(['weights.bin']);
  });

  it('goes on by itself after a cut, also where ranges are not understood', async () => {
    [cutAfter, honoursRanges] = [150_000, false];
    const path = await downloadUrl({ url, file, directory: folder });
    expect(ranges).toHaveLength(2);
    expect((await readFile(path)).equals(content)).toBe(true);
  });

  it('throws a wrong part away, so that the next run starts clean', async () => {
    await writeFile(join(folder, 'weights.bin.part'), randomBytes(100_000));
    await expect(downloadUrl({ url, file, directory: folder })).rejects.toMatchObject({ code: 'download_corrupt' });
    expect(await readdir(folder)).toEqual([]);
    await downloadUrl({ url, file, directory: folder });
  });

  it('stops at once when told to, and keeps what it has', async () => {
    const stop = new AbortController();
    const pull = {
      url,
      file,
      directory: folder,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    };
    await expect(downloadUrl(pull)).rejects.toThrow('enough');
    expect(await readdir(folder)).toEqual(['weights.bin.part']);
  });
});
