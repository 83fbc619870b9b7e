/** A number of photos in words. */
export const photos = (n: number): string => `${n} 张照片`;
