/** What the runtime says for programmers only, said for people: why a provider is not usable here. */

const NO_ADAPTER = /failed to get a webgpu adapter/i;

/** @param message - the runtime's own words. */
export const whyUnusable = (message: string): string =>
  NO_ADAPTER.test(message)
    ? 'no graphics driver here is one that WebGPU takes. On Linux it wants Vulkan from a driver as new as Mesa 25: Debian 12’s own, Mesa 22, is refused.'
    : message;
