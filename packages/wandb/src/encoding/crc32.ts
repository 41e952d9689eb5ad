const table: Int32Array = newTable();

/** Eight tables of 256 entries: the contribution of a byte that is followed by 0, 1, … 7 bytes (slicing-by-8). */
function newTable(): Int32Array {
  const sums = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    sums[byte] = sum;
  }
  for (let at = 256; at < sums.length; at += 1) {
    const previous = sums[at - 256] as number;
    sums[at] = (previous >>> 8) ^ (sums[previous & 0xff] as number);
  }
  return sums;
}

/**
 * Computes the CRC-32 of a part of the bytes, eight at a time. That of `node:zlib` is faster for long input, but for the
 * records of a log, its call and the view that it needs take longer than this.
 */
export function crc32Of(bytes: Uint8Array, start: number, end: number): number {
  const sums = table;
  let sum = -1;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const four =
      sum ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24));
    sum =
      (sums[1792 + (four & 0xff)] as number) ^
      (sums[1536 + ((four >>> 8) & 0xff)] as number) ^
      (sums[1280 + ((four >>> 16) & 0xff)] as number) ^
      (sums[1024 + (four >>> 24)] as number) ^
      (sums[768 + (bytes[at + 4] as number)] as number) ^
      (sums[512 + (bytes[at + 5] as number)] as number) ^
      (sums[256 + (bytes[at + 6] as number)] as number) ^
      (sums[bytes[at + 7] as number] as number);
  }
  for (; at < end; at += 1) {
    sum = (sum >>> 8) ^ (sums[((bytes[at] as number) ^ sum) & 0xff] as number);
  }
  return ~sum >>> 0;
}
