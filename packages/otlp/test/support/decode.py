"""Reads OTLP requests of metrics with the official classes: a line of base64 each in, a line of JSON each out."""
import base64
import sys

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

for line in sys.stdin:
    request = ExportMetricsServiceRequest()
    request.ParseFromString(base64.b64decode(line))
    size = request.ByteSize()
    request.DiscardUnknownFields()
    if request.ByteSize() != size:
        sys.exit("there are fields that OTLP does not have")
    print(MessageToJson(request, indent=None))
