"""asyncpg on a real PostgreSQL, aiosqlite, and SQLAlchemy's asyncio over both."""

import asyncio

import aiosqlite
import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def with_asyncpg(host, port, user):
    told = {}
    async with asyncpg.create_pool(host=host, port=int(port), user=user, database="postgres", min_size=2) as pool:

        async def ask(number):
            async with pool.acquire() as connection:
                await connection.fetchval("select pg_sleep(0.002)")
                return await connection.fetchval("select $1::int * 2", number)

        told["many"] = sum(await asyncio.gather(*map(ask, range(60))))
        async with pool.acquire() as connection:
            heard = asyncio.get_running_loop().create_future()
            await connection.add_listener("news", lambda *message: heard.set_result(message[-1]))
            await pool.execute("notify news, 'hello'")
            told["heard"] = await asyncio.wait_for(heard, 10)
            try:
                await connection.execute("select pg_sleep(60)", timeout=0.05)
            except TimeoutError:
                told["timed_out"] = await connection.fetchval("select 'usable'")
            async with connection.transaction():
                await connection.execute("create temporary table t (n int, s text) on commit drop")
                await connection.copy_records_to_table("t", records=[(n, "x" * 100) for n in range(5000)])
                told["copied"] = await connection.fetchval("select sum(n) from t")
                told["walked"] = sum([row["n"] async for row in connection.cursor("select n from t")])
            try:
                await connection.execute("select 1 / 0")
            except asyncpg.DivisionByZeroError as error:
                told["failed"] = type(error).__name__
    return told


async def with_aiosqlite():
    async with aiosqlite.connect(":memory:") as database:
        await database.execute("create table t (n int)")
        await database.executemany("insert into t values (?)", [(n,) for n in range(1000)])
        async with database.execute("select sum(n) from t") as cursor:
            return (await cursor.fetchone())[0]


async def with_sqlalchemy(url):
    engine = create_async_engine(url)

    async def ask(number):
        async with engine.connect() as connection:
            return (await connection.execute(text("select :n + 1"), {"n": number})).scalar()

    async with engine.begin() as connection:
        ran = await connection.run_sync(lambda sync: sync.execute(text("select 41 + 1")).scalar())
    answers = await asyncio.gather(*map(ask, range(10)))
    await engine.dispose()
    return [ran, list(map(int, answers))]


async def work(host, port, user):
    return {
        "asyncpg": await with_asyncpg(host, port, user),
        "aiosqlite": await with_aiosqlite(),
        "sqlalchemy": [
            await with_sqlalchemy("sqlite+aiosqlite://"),
            await with_sqlalchemy(f"postgresql+asyncpg://{user}@{host}:{port}/postgres"),
        ],
    }
