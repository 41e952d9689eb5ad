/**
 * The message of a `google.rpc.Status` in protobuf, which is what an OTLP receiver explains a failure with: field 2, a text.
 * OpenTelemetry's packages have no reader for it. Undefined when the bytes are no such thing, or have no message.
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
    // Also when it is not a number.
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
