import { z } from 'zod';
import { list, settingOf, whole } from './setting.ts';

const setting = settingOf('Engine');

/** The processes that run the networks. */
export const ENGINE_SETTINGS = {
  EXECUTION_PROVIDERS: setting(
    list.pipe(z.array(z.enum(['cuda', 'tensorrt', 'webgpu', 'coreml', 'dml', 'cpu'])).min(1)),
    'cuda,coreml,dml,cpu',
    'Execution providers of onnxruntime in order of preference; the first usable one is taken and named.',
  ),
  ENGINE_THREADS: setting(
    whole(0, 1024),
    '0',
    'Threads of the network on a CPU. 0: as many as the machine or its cgroup allows.',
  ),
  ENGINE_PHOTOS: setting(
    whole(0, 256),
    '0',
    'Photos an engine works on at a time. 0: two on a CPU; on other devices one a core (ENGINE_THREADS), as far as memory allows. A batch’s max_workers bounds it too.',
  ),
  ENGINE_RECYCLE_PHOTOS: setting(
    whole(1, 1_000_000),
    '500',
    'Photos after which an engine process is replaced by a fresh one.',
  ),
  ENGINE_MEMORY_BYTES: setting(
    whole(0, 2 ** 50),
    '0',
    'Memory an engine process may use; above it the photo is tried again with smaller tiles. 0: four fifths of what the machine or its cgroup allows.',
  ),
  ENGINE_STALL_TIMEOUT_MS: setting(
    whole(1000, 3_600_000),
    '120000',
    'An engine that finishes no step of its work for this long is taken as hung and replaced.',
  ),
};
