import { sideBySide } from '../../storage/side-by-side.ts';

/** Twice the largest batch; each costs two small files until it expires. */
const AT_MOST = 200_000;
const READS_AT_ONCE = 16;

/** Uploads that wait for bytes or a batch, by tenant: one that leaves too many behind takes nothing from the others. */
export class WaitingUploads {
  #tenants = new Map<string, string>();
  #counts = new Map<string, number>();
  readonly #newcomers = new Map<string, string>();
  readonly #atMost: number;

  constructor(atMost = AT_MOST) {
    this.#atMost = atMost;
  }

  /** Never too few; too many until the next {@link recount} where uploads were removed or given to a batch. */
  hasRoomFor(tenant: string): boolean {
    return (this.#counts.get(tenant) ?? 0) < this.#atMost;
  }

  add(uploadId: string, tenant: string): void {
    this.#newcomers.set(uploadId, tenant);
    this.#tenants.set(uploadId, tenant);
    this.#counts.set(tenant, (this.#counts.get(tenant) ?? 0) + 1);
  }

  /** Counts anew those that `list` finds, also other processes'; what is added meanwhile is counted as well. */
  async recount(
    list: () => Promise<readonly string[]>,
    tenantOf: (uploadId: string) => Promise<string | undefined>,
  ): Promise<void> {
    this.#newcomers.clear();
    const tenants = new Map<string, string>();
    await sideBySide(await list(), READS_AT_ONCE, async (uploadId) => {
      const tenant = this.#tenants.get(uploadId) ?? (await tenantOf(uploadId));
      if (tenant !== undefined) tenants.set(uploadId, tenant);
    });
    for (const [uploadId, tenant] of this.#newcomers) tenants.set(uploadId, tenant);
    this.#newcomers.clear();
    this.#tenants = tenants;
    this.#counts = new Map();
    for (const tenant of tenants.values()) this.#counts.set(tenant, (this.#counts.get(tenant) ?? 0) + 1);
  }
}
