/** What the runtime says for programmers only, said for people: why a provider is not usable here. */

const NO_ADAPTER = /failed to get a webgpu adapter/i;
const NO_LIBRARY = /failed to load shared library/i;
/** Its words stand among pages of C++. */
const CUDA_FAILURE = /CUDA failure \d+: ([^;]+?)\s*;/;

/** @param message - the runtime's own words. */
export function whyUnusable(message: string): string {
  if (NO_ADAPTER.test(message))
    return 'no graphics driver here is one that WebGPU takes. On Linux it wants Vulkan from a driver as new as Mesa 25: Debian 12’s own, Mesa 22, is refused.';
  if (NO_LIBRARY.test(message))
    return 'its library is not beside onnxruntime’s own, or does not find those of CUDA, cuDNN or TensorRT that it needs.';
  const [, words] = CUDA_FAILURE.exec(message) ?? [];
  return words === undefined ? message : `CUDA says “${words}”.`;
}
