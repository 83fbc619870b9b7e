/** A number of photos in words. */
export const photos = (n: number): string => (n === 1 ? '1 photo' : `${n} photos`);
