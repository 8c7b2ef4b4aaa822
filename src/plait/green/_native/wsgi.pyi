from collections.abc import Callable
from typing import Any

from plait.green._native.http import Head, HeadReader
from plait.green._native.stream import StreamCore

class HandlerCore:
    socket: Any
    client_address: Any
    server: Any
    rfile: Any
    requestline: str | None
    command: str | None
    path: str | None
    request_version: str | None
    content_length: int | None
    close_connection: bool
    environ: Any
    application: Any
    wsgi_input: Any
    status: Any
    _orig_status: str | None
    code: int | None
    response_headers: Any
    headers_sent: bool
    response_use_chunked: bool
    connection_upgraded: bool
    response_length: int
    result: Any
    provided_date: Any
    provided_content_length: Any
    _provided_connection: str | None
    _left: int | None
    time_start: float
    time_finish: float
    _stream: Any
    _terms: Any
    _parser: Any
    _head: Head | None
    _message: Any
    def __init__(
        self,
        sock: Any,
        address: Any,
        server: Any,
        stream: StreamCore,
        rfile: Any,
        terms: Any,
        parser: HeadReader,
        by_hand: bool,
    ) -> None: ...
    def handle_one_request(self) -> Any: ...
    def _begin(self, head: Head) -> None: ...
    def get_environ(self) -> Any: ...
    def handle_one_response(self) -> None: ...
    def run_application(self) -> None: ...
    def process_result(self) -> None: ...
    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[Any], None]: ...
    def write(self, data: Any) -> None: ...
    def finalize_headers(self) -> None: ...
    def _promised(self, data: Any) -> Any: ...
    def _sendall(self, data: Any) -> None: ...
    def log_request(self) -> None: ...
