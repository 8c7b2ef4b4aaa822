"""How long do analytical queries take: TPC-H q1, q3, q5, q6, q9 at scale factor 1, a CSV file, a groupby, a merge?

Wall time from the paths of files to a pandas object, on all cores. Beside: the same by hand in Polars (streaming),
DuckDB and pandas.
"""

import datetime
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from benchmarks.frames._tables import tables
from benchmarks.harness import Case, Pair, Reading, main, wall_time

Day = datetime.datetime


def answer_of(frame: Any) -> Any:
    """What all sides must agree on: shape, and the sum of numbers to nine digits."""
    named = hasattr(frame, "index") and any(name is not None for name in frame.index.names)
    rows = frame.reset_index() if named else frame
    total = float(rows.select_dtypes("number").sum().sum())
    return [len(rows), float(f"{total:.8g}")]


def measured(run: Any) -> Reading:
    with wall_time() as watch:
        result = run()
    return Reading(watch.seconds * 1e3, result if isinstance(result, list) else answer_of(result))


def warm_frames(api: ModuleType) -> None:
    """What is imported and started with the first computation is another question: each side reads five rows first."""
    api.read_parquet(f"{tables()}/region/*.parquet").groupby("r_name").r_regionkey.sum().compute()


# The queries as users of dask write them ------------------------------------------------------------------------


def q1(read: Any) -> Any:
    line = read("lineitem")
    line = line[line.l_shipdate <= Day(1998, 9, 2)]
    line["disc_price"] = line.l_extendedprice * (1 - line.l_discount)
    line["charge"] = line.disc_price * (1 + line.l_tax)
    return line.groupby(["l_returnflag", "l_linestatus"]).agg(
        {
            "l_quantity": ["sum", "mean"],
            "l_extendedprice": ["sum", "mean"],
            "disc_price": "sum",
            "charge": "sum",
            "l_discount": "mean",
            "l_orderkey": "count",
        }
    )


def q3(read: Any) -> Any:
    customer, orders, line = read("customer"), read("orders"), read("lineitem")
    day = Day(1995, 3, 15)
    customer = customer[customer.c_mktsegment == "BUILDING"]
    orders = orders[orders.o_orderdate < day]
    line = line[line.l_shipdate > day]
    joined = customer.merge(orders, left_on="c_custkey", right_on="o_custkey")
    joined = joined.merge(line, left_on="o_orderkey", right_on="l_orderkey")
    joined["revenue"] = joined.l_extendedprice * (1 - joined.l_discount)
    grouped = joined.groupby(["l_orderkey", "o_orderdate", "o_shippriority"])["revenue"].sum().reset_index()
    return grouped.nlargest(10, "revenue")


def q5(read: Any) -> Any:
    region, nation, customer = read("region"), read("nation"), read("customer")
    orders, line, supplier = read("orders"), read("lineitem"), read("supplier")
    region = region[region.r_name == "ASIA"]
    orders = orders[(orders.o_orderdate >= Day(1994, 1, 1)) & (orders.o_orderdate < Day(1995, 1, 1))]
    joined = region.merge(nation, left_on="r_regionkey", right_on="n_regionkey")
    joined = joined.merge(customer, left_on="n_nationkey", right_on="c_nationkey")
    joined = joined.merge(orders, left_on="c_custkey", right_on="o_custkey")
    joined = joined.merge(line, left_on="o_orderkey", right_on="l_orderkey")
    joined = joined.merge(supplier, left_on=["l_suppkey", "n_nationkey"], right_on=["s_suppkey", "s_nationkey"])
    joined["revenue"] = joined.l_extendedprice * (1 - joined.l_discount)
    return joined.groupby("n_name")["revenue"].sum().reset_index().sort_values("revenue", ascending=False)


def q6(read: Any) -> Any:
    line = read("lineitem")
    line = line[
        (line.l_shipdate >= Day(1994, 1, 1))
        & (line.l_shipdate < Day(1995, 1, 1))
        & (line.l_discount >= 0.05)
        & (line.l_discount <= 0.07)
        & (line.l_quantity < 24)
    ]
    return (line.l_extendedprice * line.l_discount).sum()


def q9(read: Any) -> Any:
    part, supplier, line = read("part"), read("supplier"), read("lineitem")
    partsupp, orders, nation = read("partsupp"), read("orders"), read("nation")
    part = part[part.p_name.str.contains("green", regex=False)]
    joined = part.merge(partsupp, left_on="p_partkey", right_on="ps_partkey")
    joined = joined.merge(line, left_on=["ps_partkey", "ps_suppkey"], right_on=["l_partkey", "l_suppkey"])
    joined = joined.merge(supplier, left_on="ps_suppkey", right_on="s_suppkey")
    joined = joined.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    joined = joined.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    joined["o_year"] = joined.o_orderdate.dt.year
    joined["profit"] = joined.l_extendedprice * (1 - joined.l_discount) - joined.ps_supplycost * joined.l_quantity
    return joined.groupby(["n_name", "o_year"])["profit"].sum().reset_index()


def groupby(read: Any) -> Any:
    """1.5 million groups."""
    return read("lineitem").groupby("l_orderkey")["l_extendedprice"].sum()


def merge(read: Any) -> Any:
    """6 million rows with 1.5 million."""
    line, orders = read("lineitem"), read("orders")
    joined = line[["l_orderkey", "l_extendedprice"]].merge(
        orders[["o_orderkey", "o_totalprice"]], left_on="l_orderkey", right_on="o_orderkey"
    )
    return (joined.l_extendedprice - joined.o_totalprice).sum()


def lazily(query: Any) -> Any:
    def run(api: ModuleType, random: Random) -> Reading:
        folder = tables()
        warm_frames(api)

        def whole() -> Any:
            result = query(lambda table: api.read_parquet(f"{folder}/{table}/*.parquet")).compute()
            return [float(f"{result:.8g}")] if isinstance(result, float) else result

        return measured(whole)

    return run


def csv(api: ModuleType, random: Random) -> Reading:
    """A text file of 700 MB: sums by group."""
    folder = tables()
    warm_frames(api)
    return measured(
        lambda: api.read_csv(f"{folder}/lineitem.csv").groupby("l_returnflag")["l_extendedprice"].sum().compute()
    )


# By hand --------------------------------------------------------------------------------------------------------


def by_polars(query: Any) -> Any:
    def run(random: Random) -> Reading:
        import polars as pl

        folder = tables()
        scanned(pl, folder, "region").group_by("r_name").agg(pl.col("r_regionkey").sum()).collect(
            engine="streaming"
        ).to_pandas()

        def whole() -> Any:
            result = query(pl, folder).collect(engine="streaming").to_pandas()
            return [float(f"{result.iloc[0, 0]:.8g}")] if result.shape == (1, 1) else result

        return measured(whole)

    return run


def scanned(pl: Any, folder: Path, table: str) -> Any:
    return pl.scan_parquet(f"{folder}/{table}/*.parquet")


def polars_q1(pl: Any, folder: Path) -> Any:
    col = pl.col
    price = col("l_extendedprice") * (1 - col("l_discount"))
    return (
        scanned(pl, folder, "lineitem")
        .filter(col("l_shipdate") <= Day(1998, 9, 2))
        .group_by("l_returnflag", "l_linestatus")
        .agg(
            col("l_quantity").sum().alias("a"),
            col("l_quantity").mean().alias("b"),
            col("l_extendedprice").sum().alias("c"),
            col("l_extendedprice").mean().alias("d"),
            price.sum().alias("e"),
            (price * (1 + col("l_tax"))).sum().alias("f"),
            col("l_discount").mean().alias("g"),
            pl.len().alias("h"),
        )
        .sort("l_returnflag", "l_linestatus")
    )


def polars_q3(pl: Any, folder: Path) -> Any:
    col = pl.col
    day = Day(1995, 3, 15)
    return (
        scanned(pl, folder, "customer")
        .filter(col("c_mktsegment") == "BUILDING")
        .join(scanned(pl, folder, "orders").filter(col("o_orderdate") < day), left_on="c_custkey", right_on="o_custkey")
        .join(
            scanned(pl, folder, "lineitem").filter(col("l_shipdate") > day), left_on="o_orderkey", right_on="l_orderkey"
        )
        .group_by(col("o_orderkey").alias("l_orderkey"), "o_orderdate", "o_shippriority")
        .agg((col("l_extendedprice") * (1 - col("l_discount"))).sum().alias("revenue"))
        .top_k(10, by="revenue")
    )


def polars_q5(pl: Any, folder: Path) -> Any:
    col = pl.col
    orders = scanned(pl, folder, "orders").filter(
        (col("o_orderdate") >= Day(1994, 1, 1)) & (col("o_orderdate") < Day(1995, 1, 1))
    )
    return (
        scanned(pl, folder, "region")
        .filter(col("r_name") == "ASIA")
        .join(scanned(pl, folder, "nation"), left_on="r_regionkey", right_on="n_regionkey")
        .join(scanned(pl, folder, "customer"), left_on="n_nationkey", right_on="c_nationkey")
        .join(orders, left_on="c_custkey", right_on="o_custkey")
        .join(scanned(pl, folder, "lineitem"), left_on="o_orderkey", right_on="l_orderkey")
        .join(
            scanned(pl, folder, "supplier"),
            left_on=["l_suppkey", "n_nationkey"],
            right_on=["s_suppkey", "s_nationkey"],
        )
        .group_by("n_name")
        .agg((col("l_extendedprice") * (1 - col("l_discount"))).sum().alias("revenue"))
        .sort("revenue", descending=True)
    )


def polars_q6(pl: Any, folder: Path) -> Any:
    col = pl.col
    return (
        scanned(pl, folder, "lineitem")
        .filter(
            col("l_shipdate") >= Day(1994, 1, 1),
            col("l_shipdate") < Day(1995, 1, 1),
            col("l_discount") >= 0.05,
            col("l_discount") <= 0.07,
            col("l_quantity") < 24,
        )
        .select((col("l_extendedprice") * col("l_discount")).sum())
    )


def polars_q9(pl: Any, folder: Path) -> Any:
    col = pl.col
    profit = col("l_extendedprice") * (1 - col("l_discount")) - col("ps_supplycost") * col("l_quantity")
    return (
        scanned(pl, folder, "part")
        .filter(col("p_name").str.contains("green", literal=True))
        .join(scanned(pl, folder, "partsupp"), left_on="p_partkey", right_on="ps_partkey")
        .join(
            scanned(pl, folder, "lineitem"),
            left_on=["p_partkey", "ps_suppkey"],
            right_on=["l_partkey", "l_suppkey"],
        )
        .join(scanned(pl, folder, "supplier"), left_on="ps_suppkey", right_on="s_suppkey")
        .join(scanned(pl, folder, "orders"), left_on="l_orderkey", right_on="o_orderkey")
        .join(scanned(pl, folder, "nation"), left_on="s_nationkey", right_on="n_nationkey")
        .group_by("n_name", col("o_orderdate").dt.year().alias("o_year"))
        .agg(profit.sum().alias("profit"))
        .sort("n_name", "o_year")
    )


def polars_groupby(pl: Any, folder: Path) -> Any:
    return (
        scanned(pl, folder, "lineitem").group_by("l_orderkey").agg(pl.col("l_extendedprice").sum()).sort("l_orderkey")
    )


def polars_merge(pl: Any, folder: Path) -> Any:
    return (
        scanned(pl, folder, "lineitem")
        .join(scanned(pl, folder, "orders"), left_on="l_orderkey", right_on="o_orderkey")
        .select((pl.col("l_extendedprice") - pl.col("o_totalprice")).sum())
    )


def polars_csv(pl: Any, folder: Path) -> Any:
    return (
        pl.scan_csv(folder / "lineitem.csv")
        .group_by("l_returnflag")
        .agg(pl.col("l_extendedprice").sum())
        .sort("l_returnflag")
    )


_REVENUE = "sum(l_extendedprice * (1 - l_discount))"
SQL = {
    "q1": f"""select l_returnflag, l_linestatus, sum(l_quantity) a, avg(l_quantity) b, sum(l_extendedprice) c,
        avg(l_extendedprice) d, {_REVENUE} e, sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) f, avg(l_discount)
        g,
        count(*) h from lineitem where l_shipdate <= timestamp '1998-09-02' group by all order by all""",
    "q3": f"""select l_orderkey, o_orderdate, o_shippriority, {_REVENUE} revenue from customer, orders, lineitem
        where c_mktsegment = 'BUILDING' and c_custkey = o_custkey and l_orderkey = o_orderkey
        and o_orderdate < timestamp '1995-03-15' and l_shipdate > timestamp '1995-03-15'
        group by all order by revenue desc limit 10""",
    "q5": f"""select n_name, {_REVENUE} revenue from customer, orders, lineitem, supplier, nation, region
        where c_custkey = o_custkey and l_orderkey = o_orderkey and l_suppkey = s_suppkey and c_nationkey = s_nationkey
        and s_nationkey = n_nationkey and n_regionkey = r_regionkey and r_name = 'ASIA'
        and o_orderdate >= timestamp '1994-01-01' and o_orderdate < timestamp '1995-01-01'
        group by all order by revenue desc""",
    "q6": """select sum(l_extendedprice * l_discount) from lineitem where l_shipdate >= timestamp '1994-01-01'
        and l_shipdate < timestamp '1995-01-01' and l_discount >= 0.05 and l_discount <= 0.07 and l_quantity < 24""",
    "q9": """select n_name, year(o_orderdate)::int o_year, sum(l_extendedprice * (1 - l_discount)
        - ps_supplycost * l_quantity) profit from part, supplier, lineitem, partsupp, orders, nation
        where s_suppkey = l_suppkey and ps_suppkey = l_suppkey and ps_partkey = l_partkey and p_partkey = l_partkey
        and o_orderkey = l_orderkey and s_nationkey = n_nationkey and contains(p_name, 'green')
        group by all order by all""",
    "groupby": "select l_orderkey, sum(l_extendedprice) s from lineitem group by all order by all",
    "merge": "select sum(l_extendedprice - o_totalprice) from lineitem, orders where l_orderkey = o_orderkey",
}


def by_duckdb(name: str) -> Any:
    def run(random: Random) -> Reading:
        import duckdb

        folder = tables()
        connection = duckdb.connect()
        if name == "csv":
            query = (
                f"select l_returnflag, sum(l_extendedprice) s from '{folder}/lineitem.csv' group by all order by all"
            )
        else:
            query = SQL[name]
            for table in folder.iterdir():
                if table.is_dir():
                    connection.sql(f"create view {table.name} as select * from '{table}/*.parquet'")
        connection.sql(f"select r_name, sum(r_regionkey) from '{folder}/region/*.parquet' group by all").df()

        def whole() -> Any:
            result = connection.sql(query).df()
            return [float(f"{result.iloc[0, 0]:.8g}")] if result.shape == (1, 1) else result

        return measured(whole)

    return run


def by_pandas(query: Any) -> Any:
    def run(random: Random) -> Reading:
        import pandas as pd

        folder = tables()
        pd.read_parquet(folder / "region")

        def whole() -> Any:
            result = query(lambda table: pd.read_parquet(folder / table))
            return [float(f"{result:.8g}")] if isinstance(result, float) else result

        return measured(whole)

    return run


def csv_by_pandas(random: Random) -> Reading:
    import pandas as pd

    folder = tables()
    return measured(lambda: pd.read_csv(folder / "lineitem.csv").groupby("l_returnflag")["l_extendedprice"].sum())


QUERIES = {"q1": q1, "q3": q3, "q5": q5, "q6": q6, "q9": q9, "groupby": groupby, "merge": merge}
_BY_POLARS = {
    "q1": polars_q1,
    "q3": polars_q3,
    "q5": polars_q5,
    "q6": polars_q6,
    "q9": polars_q9,
    "groupby": polars_groupby,
    "merge": polars_merge,
}


def case(name: str, factor: float) -> Case:
    beside = {"polars": by_polars(_BY_POLARS[name]), "duckdb": by_duckdb(name), "pandas": by_pandas(QUERIES[name])}
    return Case(name, "ms", lazily(QUERIES[name]), factor=factor, beside=beside)


FACTOR = 6
CASES = [
    *[case(name, FACTOR) for name in QUERIES],
    Case(
        "csv",
        "ms",
        csv,
        factor=3,
        beside={"polars": by_polars(polars_csv), "duckdb": by_duckdb("csv"), "pandas": csv_by_pandas},
    ),
]

if __name__ == "__main__":
    main("benchmarks.frames.tpch", __doc__, Pair("plait.lazy.dataframe", "dask.dataframe"), CASES)
