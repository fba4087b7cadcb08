"""A second, smaller reading of the OTLP wire format.

The messages here have OTLP's field numbers, but ``attributes`` are repeated bytes where OTLP has repeated key-value
messages, which the protobuf encoding makes interchangeable. The C parser then hands over raw key-value bytes and builds
no Python object per attribute, which is most of the cost of reading a span. Text is declared as bytes too: one invalid
UTF-8 sequence in a prompt must not cost the whole request.

Field numbers: opentelemetry-proto, ``trace/v1/trace.proto``, ``logs/v1/logs.proto`` and ``common/v1/common.proto``.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_TYPES: Final = {
    "bytes": _F.TYPE_BYTES,
    "int32": _F.TYPE_INT32,
    "int64": _F.TYPE_INT64,
    "fixed64": _F.TYPE_FIXED64,
    "double": _F.TYPE_DOUBLE,
    "bool": _F.TYPE_BOOL,
}

#: message -> (field, number, type); "*" marks a repeated field, "?" a member of the message's oneof.
#: Where OTLP has one message and this has repeated bytes, a sender may write it in several pieces. Joined, they
#: are the bytes of the merged message, which is how every protobuf reader understands them.
_SCHEMA: Final[dict[str, tuple[tuple[str, int, str], ...]]] = {
    "Status": (("message", 2, "bytes"), ("code", 3, "int32")),
    "Event": (("time_unix_nano", 1, "fixed64"), ("name", 2, "bytes"), ("attributes", 3, "*bytes")),
    "Span": (
        ("trace_id", 1, "bytes"),
        ("span_id", 2, "bytes"),
        ("parent_span_id", 4, "bytes"),
        ("name", 5, "bytes"),
        ("kind", 6, "int32"),
        ("start_time_unix_nano", 7, "fixed64"),
        ("end_time_unix_nano", 8, "fixed64"),
        ("attributes", 9, "*bytes"),
        ("events", 11, "*Event"),
        ("status", 15, "Status"),
    ),
    "ScopeSpans": (("scope", 1, "*bytes"), ("spans", 2, "*Span")),
    "ResourceSpans": (("resource", 1, "*bytes"), ("scope_spans", 2, "*ScopeSpans")),
    "Traces": (("resource_spans", 1, "*ResourceSpans"),),
    "LogRecord": (
        ("time_unix_nano", 1, "fixed64"),
        ("observed_time_unix_nano", 11, "fixed64"),
        ("body", 5, "bytes"),
        ("attributes", 6, "*bytes"),
        ("trace_id", 9, "bytes"),
        ("span_id", 10, "bytes"),
        ("event_name", 12, "bytes"),
    ),
    "ScopeLogs": (("scope", 1, "*bytes"), ("log_records", 2, "*LogRecord")),
    "ResourceLogs": (("resource", 1, "*bytes"), ("scope_logs", 2, "*ScopeLogs")),
    "Logs": (("resource_logs", 1, "*ResourceLogs"),),
    "Resource": (("attributes", 1, "*bytes"),),
    "Scope": (("name", 1, "bytes"), ("version", 2, "bytes")),
    "KeyValue": (("key", 1, "bytes"), ("value", 2, "*bytes")),
    "AnyValue": (
        ("string_value", 1, "?bytes"),
        ("bool_value", 2, "?bool"),
        ("int_value", 3, "?int64"),
        ("double_value", 4, "?double"),
        ("array_value", 5, "?Values"),
        ("kvlist_value", 6, "?Values"),
        ("bytes_value", 7, "?bytes"),
    ),
    "Values": (("values", 1, "*bytes"),),
}


def _build() -> dict[str, Any]:
    """Message classes by name, in a descriptor pool of their own."""
    file = descriptor_pb2.FileDescriptorProto(name="genai_exporter/lean.proto", package="genai_exporter.lean")
    file.syntax = "proto3"
    for message_name, fields in _SCHEMA.items():
        message = file.message_type.add(name=message_name)
        if any(kind.startswith("?") for _, _, kind in fields):
            message.oneof_decl.add(name="value")
        for field_name, number, kind in fields:
            added = message.field.add(name=field_name, number=number)
            added.label = _F.LABEL_REPEATED if kind.startswith("*") else _F.LABEL_OPTIONAL
            if kind.startswith("?"):
                added.oneof_index = 0
            base = kind.lstrip("*?")
            if base in _TYPES:
                added.type = _TYPES[base]
            else:
                added.type = _F.TYPE_MESSAGE
                added.type_name = f".genai_exporter.lean.{base}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"genai_exporter.lean.{name}"))
        for name in _SCHEMA
    }


_CLASSES: Final = _build()
Traces: Final = _CLASSES["Traces"]
Logs: Final = _CLASSES["Logs"]
Resource: Final = _CLASSES["Resource"]
Scope: Final = _CLASSES["Scope"]
KeyValue: Final = _CLASSES["KeyValue"]
AnyValue: Final = _CLASSES["AnyValue"]
