/** On a processor one is in the network and one more is decoded or encoded: the cores belong to the network. */
const BESIDE_A_PROCESSOR = 2;
/** While every photo's codec has a thread of the pool, canvases and tiles still have to be written. */
const THREADS_FOR_FILES = 2;

/**
 * Photos in an engine at a time. With the network on a device of its own the cores have nothing else to do than to decode and
 * encode, and `fast` leaves a photo to the encoder after a tenth of its time: one photo a core keeps the device supplied.
 * @param cores - this engine's share of the machine's.
 * @param wanted - 0: as fits the device.
 */
export const photosAtOnce = (device: string, cores: number, wanted: number): number =>
  wanted > 0 ? wanted : device === 'cpu' ? BESIDE_A_PROCESSOR : Math.max(BESIDE_A_PROCESSOR, cores);

/** Threads for codecs and files of an engine on any of these; which it will be is not known yet, and one that is not used costs nothing. */
export const poolThreads = (providers: readonly string[], cores: number, wanted: number): number =>
  Math.max(...providers.map((provider) => photosAtOnce(provider, cores, wanted))) + THREADS_FOR_FILES;

/** Whether that many have to share memory by size: two never had to. */
export const isCrowd = (photos: number): boolean => photos > BESIDE_A_PROCESSOR;
