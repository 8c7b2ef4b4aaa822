"""The tables of TPC-H at scale factor 1, made once by tpchgen-cli and kept beside other temporary files.

Decimals are stored as doubles and dates as timestamps, which all sides read alike.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

FILES = {"lineitem": 26, "orders": 8, "partsupp": 4, "customer": 2, "part": 2}
SCALE = 1


def tables() -> Path:
    """The folder with a folder of parquet files for each table, and lineitem.csv."""
    folder = Path(tempfile.gettempdir()) / f"plait-tpch-{SCALE}"
    if not (folder / "done").exists():
        with tempfile.TemporaryDirectory(dir=folder.parent) as raw:
            program = Path(sys.executable).parent / "tpchgen-cli"
            subprocess.run(
                [program, "parquet", "-s", str(SCALE), f"--output-dir={raw}"], check=True, capture_output=True
            )
            for path in sorted(Path(raw).glob("*.parquet")):
                _write(path, folder / path.stem)
            _write_csv(Path(raw) / "lineitem.parquet", folder / "lineitem.csv")
        (folder / "done").touch()
    return folder


def _write(source: Path, folder: Path) -> None:
    import pyarrow.parquet as pq

    table = _plain(pq.read_table(source))
    count = FILES.get(source.stem, 1)
    step = -(-table.num_rows // count)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        pq.write_table(table.slice(i * step, step), folder / f"part.{i:02}.parquet")


def _plain(table):
    import pyarrow as pa

    def plain(kind):
        if pa.types.is_decimal(kind):
            return pa.float64()
        if pa.types.is_date(kind):
            return pa.timestamp("ms")
        return pa.string() if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)) else kind

    return table.cast(pa.schema([pa.field(field.name, plain(field.type)) for field in table.schema]))


def _write_csv(source: Path, path: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet as pq

    pyarrow.csv.write_csv(_plain(pq.read_table(source)), path)


if __name__ == "__main__":
    print(tables(), os.listdir(tables()))
