from typing_extensions import Buffer

class Mapping(Buffer):
    nbytes: int
    writable: bool
    @property
    def address(self) -> int: ...
    def __init__(
        self,
        fd: int,
        nbytes: int,
        writable: bool = False,
        shared: bool = True,
        populate: bool = False,
        words: list[int] | None = None,
        lease: int = 0,
    ) -> None: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __len__(self) -> int: ...
    def write(self, offset: int, data: Buffer) -> None: ...

def fingerprint(data: Buffer) -> int: ...
