/**
 * Returns the message of a protobuf `google.rpc.Status` (field 2, a string), with which an OTLP receiver explains a failure;
 * undefined when the bytes are no such thing or have no message. OpenTelemetry's packages have no reader for it.
 */
export function statusMessage(bytes: Uint8Array): string | undefined {
  let at = 0;
  function varint(): number {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) {
        break;
      }
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        return value;
      }
    }
    return Number.NaN;
  }
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag & 7;
    const field = Math.floor(tag / 8);
    if (wireType === 0) {
      varint();
      continue;
    }
    const length = wireType === 2 ? varint() : Number.NaN;
    // Negated, so that NaN is caught too.
    if (!(at + length <= bytes.length)) {
      return undefined;
    }
    if (field === 2) {
      return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString();
    }
    at += length;
  }
  return undefined;
}
