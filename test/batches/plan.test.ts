/** A dry run says what the engine would do, by the engine's own geometry, and refuses what a batch would refuse. */
import { describe, expect, it } from 'vitest';
import { describePlan, type PlanOrder } from '../../src/batches/describe-plan.ts';
import { planSchema } from '../../src/contracts/http-plan.ts';
import { optionsFrom, type AskedOptions } from '../../src/contracts/option-fields.ts';
import { cutTiles } from '../../src/contracts/tile-grid.ts';
import type { NetworkReport, WorkerReport } from '../../src/contracts/worker-report.ts';

const OVERLAP = { pixels: 34, join: 'cut' } as const;

const network = (change: Partial<NetworkReport> = {}): NetworkReport => ({
  name: 'net',
  serves: ['fast'],
  scale: 4,
  overlap: OVERLAP,
  memory: { baseBytes: 1e8, bytesPerWindowPixel: 1000 },
  tileSize: 512,
  msPerMegapixel: 16_000,
  ...change,
});

const worker = (networks: NetworkReport[]): WorkerReport => ({
  workerId: 'w',
  host: 'h',
  pid: 1,
  writtenAt: 1,
  startedAt: 1,
  state: 'ready',
  notices: [],
  device: 'cpu',
  lanes: 1,
  activePhotos: 0,
  models: [],
  networks,
  totalProcessed: 0,
  avgProcessingSeconds: null,
  deviceBusy: 0,
  engineMemoryBytes: null,
  gpu: null,
});

const photo = (width: number, height: number) => ({ name: `${width}x${height}`, size: { width, height } });

function plan(photos: PlanOrder['photos'], asked: AskedOptions = {}, workers = [worker([network()])]) {
  const answer = describePlan({
    photos,
    options: optionsFrom(asked, { quality: 'fast', tileSize: 400 }),
    workers,
    maxPixels: 1e8,
    maxResultPixels: 1e9,
    freeBytes: 1e9,
    listed: 100,
  });
  return planSchema.parse(answer);
}

describe('a plan', () => {
  it('counts the tiles that the engine would run, and the time and memory of their windows', () => {
    const grid = cutTiles(1000, 600, 400, OVERLAP);
    const windows = grid.columns.flatMap((column) =>
      grid.rows.map((row) => (column.window.end - column.window.start) * (row.window.end - row.window.start)),
    );
    const { photos, total } = plan([photo(1000, 600)]);
    expect(photos[0]).toMatchObject({
      status: 'planned',
      tiles: windows.length,
      network_passes: 1,
      result_width: 4000,
    });
    expect(photos[0]?.memory_bytes).toBe(1e8 + 1000 * Math.max(...windows));
    const seconds = (windows.reduce((sum, pixels) => sum + pixels, 0) / 1e6) * 16;
    expect(photos[0]?.seconds).toBeGreaterThanOrEqual(seconds);
    expect(photos[0]?.seconds).toBeLessThan(seconds * 1.2);
    expect(total).toMatchObject({ photos: 1, planned: 1, refused: 0, tiles: windows.length });
  });

  it('follows the device: its fixed windows, and the photos that it works on at a time', () => {
    const photos = [1, 2, 3, 4, 5, 6].map(() => photo(300, 200));
    const cuda: WorkerReport = { ...worker([network()]), device: 'cuda', slots: 16 };
    const [onCuda, onCpu] = [plan(photos, { tile_size: 300 }, [cuda]), plan(photos, { tile_size: 300 })];
    const windows = cutTiles(300, 200, 256, OVERLAP, 'fixed');
    expect(onCpu.photos[0]?.tiles).toBe(1);
    expect(onCuda.photos[0]?.tiles).toBe(windows.columns.length * windows.rows.length);
    expect(onCuda.photos[0]?.memory_bytes).toBe(1e8 + 1000 * 320 ** 2);
    expect(onCuda.total.scratch_bytes).toBe(onCpu.total.scratch_bytes * 3);
  });

  it('says of eight times that it takes two passes', () => {
    const [eight] = plan([photo(100, 80)], { scale: 8 }).photos;
    expect(eight).toMatchObject({ network_passes: 2, result_width: 800, result_height: 640 });
    expect(eight?.how).toContain('Two passes');
  });

  it('refuses what a batch would refuse, and goes on with the others', () => {
    const broken = { name: 'x.jpg', refused: { code: 'image_unreadable', message: 'Broken.' } } as const;
    const answer = plan([photo(20_000, 20_000), photo(10, 10), broken], { width: 40 });
    expect(answer.photos.map(({ error_code }) => error_code)).toEqual(['too_many_pixels', null, 'image_unreadable']);
    expect(plan([photo(10, 10)], { width: 400 }).photos[0]?.error_code).toBe('enlargement_too_large');
    expect(plan([photo(9000, 9000)]).photos[0]?.error_code).toBe('result_too_large');
    expect(answer.message).toContain('2 photos would be refused');
  });

  it('shares the work among the engines that serve the level', () => {
    const one = plan([photo(500, 500), photo(500, 500)]).total.seconds ?? 0;
    const workers = [worker([network()]), worker([network()]), worker([network({ serves: ['high'] })])];
    const two = plan([photo(500, 500), photo(500, 500)], {}, workers);
    expect(two.engines).toBe(2);
    expect(two.total.seconds).toBeCloseTo(one / 2);
  });

  it('claims no time that nobody measured', () => {
    expect(plan([photo(500, 500)], {}, []).total.seconds).toBeNull();
    expect(plan([photo(500, 500)], {}, []).message).toContain('no worker is running');
    expect(plan([photo(500, 500)], {}, [worker([network({ msPerMegapixel: null })])]).total.seconds).toBeNull();
  });

  it('says when the disk is too small', () => {
    expect(plan([photo(500, 500)]).disk.enough).toBe(true);
    expect(plan(Array.from({ length: 20 }, () => photo(5000, 1000))).disk.enough).toBe(false);
  });

  it('counts what nobody has looked at in no sum but its own, and is sure of no disk then', () => {
    const answer = plan([photo(100, 100), { name: 'far', unknown: 'It was not looked at.' }]);
    expect(answer.total).toMatchObject({ photos: 2, planned: 1, refused: 0, unknown: 1 });
    expect(answer.photos[1]).toMatchObject({
      status: 'unknown',
      unknown: 'It was not looked at.',
      error: null,
      tiles: 0,
    });
    expect(answer.disk.enough).toBeNull();
    expect(answer.message).toContain('of 1 photo nothing can be said before they are fetched');
    expect(plan([{ name: 'far', unknown: 'x' }]).message).toBe(
      'Nothing is certain, of 1 photo nothing can be said before they are fetched.',
    );
  });
});
