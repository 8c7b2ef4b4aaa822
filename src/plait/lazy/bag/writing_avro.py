"""Bags of records written to Avro files (extra `avro`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from plait.lazy.bag.writing_text import written
from plait.lazy.bytes.opening import fastavro, open_files, writing

if TYPE_CHECKING:
    from plait.lazy.bag.bags import Bag


def to_avro(
    b: Bag,
    filename: Any,
    schema: Mapping[str, Any],
    name_function: Callable[[int], str] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    codec: str = "null",
    sync_interval: int = 16000,
    metadata: Mapping[str, str] | None = None,
    compute: bool = True,
    **kwargs: Any,
) -> Any:
    """Write each partition of a bag of dictionaries to an Avro file. Returns the paths.

    filename: with * for the number of the partition, or a list with a path for each. schema: of the records, an Avro
    schema as a dictionary. codec: "null", "deflate" or "snappy". sync_interval: about how many bytes a block of a file
    has. compute: False for a list of delayed writes. kwargs: as of compute(). Raises AssertionError for a schema that
    is none of records.
    """
    fastavro()
    check_schema(schema)
    files = open_files(
        filename, "wb", None, name_function=name_function, num=b.npartitions, storage_options=storage_options
    )
    write = partial(_write_records, dict(schema), codec, sync_interval, metadata)
    return written(b, files, write, "to-avro", compute, kwargs)


class SchemaError(AssertionError, ValueError):
    """A schema does not describe records."""


def check_schema(schema: Any) -> None:
    """Raises SchemaError, which says what is missing."""
    if not isinstance(schema, Mapping):
        raise SchemaError(
            f"schema={schema!r} is no dictionary; pass {{'name': ..., 'type': 'record', 'fields': [...]}}"
        )
    for name in ("name", "type", "fields"):
        if name not in schema:
            raise SchemaError(f"the schema has no {name!r}; it needs 'name', 'type' and 'fields'")
    if schema["type"] != "record":
        raise SchemaError(f"the schema's type is {schema['type']!r}; bags are written as 'record'")
    if not isinstance(schema["fields"], list):
        raise SchemaError(f"the schema's fields are {schema['fields']!r}; pass a list of {{'name': ..., 'type': ...}}")
    for field in schema["fields"]:
        if not isinstance(field, Mapping) or not {"name", "type"} <= field.keys():
            raise SchemaError(f"the schema's field {field!r} needs 'name' and 'type'")


def _write_records(
    schema: Any, codec: str, sync_interval: int, metadata: Any, elements: Iterable[Any], file: Any
) -> None:
    with writing(file.path), file as opened:
        fastavro().writer(opened, schema, elements, codec, sync_interval, metadata)
