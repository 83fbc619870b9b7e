/** Width and height of a BMP out of its header; sharp does not read the format. `undefined` when they make no sense. */
export function bmpSize(head: Buffer): { width: number; height: number } | undefined {
  if (head.length < 26) return undefined;
  const headerBytes = head.readUInt32LE(14);
  if (headerBytes < 40 || headerBytes > 124) return undefined;
  const width = head.readInt32LE(18);
  const height = Math.abs(head.readInt32LE(22)); // negative: rows from top to bottom
  return width > 0 && height > 0 ? { width, height } : undefined;
}
