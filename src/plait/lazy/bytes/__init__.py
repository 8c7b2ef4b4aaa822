"""plait.lazy.bytes: blocks of files as lazy values, on any file system that fsspec knows (extra `files`)."""

from plait.lazy.bytes.opening import open_files as open_files
from plait.lazy.bytes.reading import read_bytes as read_bytes
