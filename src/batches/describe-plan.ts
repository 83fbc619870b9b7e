import type { PlanAnswer } from '../contracts/http-plan.ts';
import type { EnhanceOptions } from '../contracts/options.ts';
import { slotsOf, type WorkerReport } from '../contracts/worker-report.ts';
import { planPhotos, type Plan, type PlannedPhoto, type PhotoToPlan } from './plan-photos.ts';

export interface PlanOrder {
  readonly photos: readonly PhotoToPlan[];
  readonly options: EnhanceOptions;
  /** Of the workers that are alive. */
  readonly workers: readonly WorkerReport[];
  readonly maxPixels: number;
  readonly maxResultPixels: number;
  /** Of the store; undefined when there is no such limit. */
  readonly freeBytes: number | undefined;
  /** How many photos are listed; the sums are of all. */
  readonly listed: number;
}

/** The dry run as HTTP and the command line show it. */
export function describePlan(order: PlanOrder): PlanAnswer {
  const { options, workers, freeBytes, photos } = order;
  const serving = workers.flatMap((worker) =>
    worker.networks.filter(({ serves }) => serves.includes(options.quality)).map((network) => ({ worker, network })),
  );
  const [first] = serving;
  const engines = serving.reduce((sum, { worker }) => sum + worker.lanes, 0);
  const slots = serving.reduce((sum, { worker }) => sum + slotsOf(worker), 0);
  const plan = planPhotos(photos, { ...order, network: first?.network, device: first?.worker.device, engines, slots });
  return {
    photos: plan.photos.slice(0, order.listed).map(describePhoto),
    total: {
      photos: photos.length,
      planned: plan.planned,
      refused: photos.length - plan.planned - plan.unknown,
      unknown: plan.unknown,
      tiles: plan.tiles,
      megapixels: plan.megapixels,
      memory_bytes: plan.memoryBytes,
      scratch_bytes: plan.scratchBytes,
      result_bytes: plan.resultBytes,
      seconds: plan.seconds,
    },
    disk: { free_bytes: freeBytes ?? null, enough: isEnough(plan, freeBytes) },
    engines,
    device: first?.worker.device ?? null,
    model: first?.network.name ?? null,
    notices: [...new Set(workers.flatMap(({ notices }) => notices))],
    message: sentence(plan, photos.length, engines),
  };
}

/** Too little is too little whatever the photos are like that nobody has seen; enough is not. */
function isEnough({ scratchBytes, resultBytes, unknown }: Plan, freeBytes: number | undefined): boolean | null {
  if (freeBytes === undefined) return null;
  if (scratchBytes + resultBytes > freeBytes) return false;
  return unknown > 0 ? null : true;
}

const describePhoto = (photo: PlannedPhoto): PlanAnswer['photos'][number] => ({
  name: photo.name,
  status: photo.refused !== null ? 'refused' : photo.unknown !== null ? 'unknown' : 'planned',
  error_code: photo.refused?.code ?? null,
  error: photo.refused?.message ?? null,
  unknown: photo.unknown,
  width: photo.size?.width ?? null,
  height: photo.size?.height ?? null,
  result_width: photo.result?.width ?? null,
  result_height: photo.result?.height ?? null,
  how: photo.how,
  network_passes: photo.networkPasses,
  tiles: photo.tiles,
  memory_bytes: photo.memoryBytes,
  scratch_bytes: photo.scratchBytes,
  seconds: photo.seconds,
});

const photosOf = (count: number): string => (count === 1 ? '1 photo' : `${count} photos`);

function sentence({ planned, unknown, seconds }: Plan, all: number, engines: number): string {
  const bad = all - planned - unknown;
  const refused = `${bad > 0 ? `, ${photosOf(bad)} would be refused` : ''}${unknown > 0 ? `, of ${photosOf(unknown)} nothing can be said before they are fetched` : ''}`;
  if (planned === 0) return `${unknown > 0 ? 'Nothing is certain' : 'Nothing can be done'}${refused}.`;
  if (engines === 0)
    return `${photosOf(planned)}${refused}; no worker is running, so nobody can say how long it takes.`;
  if (seconds === null) return `${photosOf(planned)}${refused}; the speed has not been measured yet.`;
  return `${photosOf(planned)}, about ${duration(seconds)}${refused}.`;
}

/** "40 seconds", "3 minutes", "2.5 hours": as coarse as an estimate is. */
function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} seconds`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return `${Math.round(seconds / 360) / 10} hours`;
}
