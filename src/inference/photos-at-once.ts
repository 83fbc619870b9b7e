/** On a processor one is in the network and one more is decoded or encoded: the cores belong to the network. */
const BESIDE_A_PROCESSOR = 2;

/**
 * Photos in an engine at a time. With the network on a device of its own the cores have nothing else to do than to decode and
 * encode, and `fast` leaves a photo to the encoder after a tenth of its time: one photo a core keeps the device supplied.
 * @param cores - this engine's share of the machine's.
 * @param wanted - 0: as fits the device.
 */
export const photosAtOnce = (device: string, cores: number, wanted: number): number =>
  wanted > 0 ? wanted : device === 'cpu' ? BESIDE_A_PROCESSOR : Math.max(BESIDE_A_PROCESSOR, cores);

/** Whether that many have to share memory by size: two never had to. */
export const isCrowd = (photos: number): boolean => photos > BESIDE_A_PROCESSOR;
