# Decodes a transaction log with the official classes, and prints a JSON object for each record.
import json
import struct
import sys
import zlib

from google.protobuf.json_format import MessageToDict
from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768
data = open(sys.argv[1], "rb").read()
assert data[:7] == b":W&B" + struct.pack("<HB", 0xBEE1, 0), data[:7]
at, parts = 7, []
while at < len(data):
    left = BLOCK - at % BLOCK
    if left < 7:
        assert data[at : at + left] == bytes(left)
        at += left
        continue
    crc, length, kind = struct.unpack("<IHB", data[at : at + 7])
    payload = data[at + 7 : at + 7 + length]
    assert length <= left - 7 and len(payload) == length
    assert zlib.crc32(bytes([kind]) + payload) == crc
    parts.append(payload)
    at += 7 + length
    if kind in (1, 4):
        record = Record()
        record.ParseFromString(b"".join(parts))
        fields = MessageToDict(record, preserving_proto_field_name=True)
        # What is not known to these classes is lost then.
        record.DiscardUnknownFields()
        assert len(record.SerializeToString()) == len(b"".join(parts))
        print(json.dumps({"kind": record.WhichOneof("record_type"), **fields}))
        parts = []
assert not parts
