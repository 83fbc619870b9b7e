import { DarkroomError } from '../../contracts/errors.ts';
import type { House } from '../house.ts';
import { tellAllowance } from '../guards/allowances.ts';
import type { Call } from '../route.ts';

/** Asked before a byte is read: uploads that nobody can take would be received, and kept in doubt, for nothing. */
export async function requireTemporal({ vitals, service }: House): Promise<void> {
  const queue = (await vitals()).queue ?? (await service.queue());
  if (!queue) throw new DarkroomError('temporal_unavailable');
}

/** New photos are refused while finished work still has room to be written. */
export const requireDisk = (call: Call<unknown, unknown, unknown>, house: House): Promise<void> =>
  requireRoomFor(Number(call.request.get('content-length') ?? 0), house);

export async function requireRoomFor(bytes: number, { config, store }: House): Promise<void> {
  const free = await store.freeBytes();
  if (free !== undefined && free - bytes < config.DISK_RESERVE_BYTES) {
    throw new DarkroomError('storage_full', 'There is no room for new photos on the disk of this server.');
  }
}

/** Whether a tenant may have so many photos more under way; asked before they are taken. Its answer says how many are left. */
export async function requireTenantRoom(
  { tenant, response }: Pick<Call<unknown, unknown, unknown>, 'tenant' | 'response'>,
  { config, service }: House,
  photos: number,
): Promise<void> {
  const most = config.TENANT_PHOTOS_IN_FLIGHT;
  if (most === 0) return;
  const underWay = await service.photosInFlight(tenant, most);
  tellAllowance(response, 'photos', { most, left: most - underWay });
  if (underWay + photos > most) {
    throw new DarkroomError('too_many_photos', `You may have ${most} photos under way at once; ${underWay} are.`);
  }
}

/** Photos that a batch would have under way again: those it has not got when it has ended, else the failed ones. */
export async function requireRoomAgain(
  call: Pick<Call<unknown, unknown, unknown>, 'tenant' | 'response'>,
  house: House,
  batchId: string,
  verb: 'resume' | 'retry',
): Promise<void> {
  const view = await house.service.view(batchId);
  if (!view) return;
  const { open, total, completed, failed } = view;
  const photos = open ? (verb === 'retry' ? failed : 0) : total - completed;
  if (photos > 0) await requireTenantRoom(call, house, photos);
}
