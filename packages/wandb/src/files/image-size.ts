/** Format of an image, and its size in pixels. */
export interface ImageSize {
  readonly format: 'png' | 'jpg';
  readonly width: number;
  readonly height: number;
}

/** Undefined for what is neither a PNG nor a JPEG file. */
export function imageSize({ buffer, byteOffset, byteLength }: Uint8Array): ImageSize | undefined {
  const view = Buffer.from(buffer, byteOffset, byteLength);
  return pngSize(view) ?? jpegSize(view);
}

function pngSize(view: Buffer): ImageSize | undefined {
  return view.length >= 24 && view.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n'
    ? { format: 'png', width: view.readUInt32BE(16), height: view.readUInt32BE(20) }
    : undefined;
}

function jpegSize(view: Buffer): ImageSize | undefined {
  if (view.length < 4 || view.readUInt16BE(0) !== 0xffd8) {
    return undefined;
  }
  for (let at = 2; at + 9 <= view.length && view[at] === 0xff; at += 2 + view.readUInt16BE(at + 2)) {
    const marker = view[at + 1] as number;
    // Frame headers; three markers in this range have other meanings.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { format: 'jpg', width: view.readUInt16BE(at + 7), height: view.readUInt16BE(at + 5) };
    }
  }
  return undefined;
}
