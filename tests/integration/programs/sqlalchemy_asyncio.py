"""SQLAlchemy's asyncio extension with aiosqlite: tables, concurrent sessions, streaming, rollback and cancellation."""

import asyncio

import witness
from sqlalchemy import String, func, select
from sqlalchemy.exc import IntegrityError, MissingGreenlet, StatementError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.schema import ForeignKey


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


async def fill(sessions, number):
    async with sessions() as session, session.begin():
        session.add(Author(name=f"author {number}", books=[Book(title=f"book {number}.{i}") for i in range(3)]))


async def count(sessions):
    async with sessions() as session:
        return await session.scalar(select(func.count(Book.id)))


async def duplicate_is_refused(sessions):
    try:
        await fill(sessions, 0)
    except IntegrityError:
        return True
    return False


async def lazy_load_outside_is_refused(sessions):
    """An attribute that needs a query, read without await, is a clear error: there is no greenlet to suspend."""
    async with sessions() as session:
        author = await session.get(Author, 1)
        try:
            _ = author.books
        except (MissingGreenlet, StatementError) as error:
            assert "greenlet_spawn has not been called" in str(error)
            return sorted(book.title for book in await session.run_sync(lambda _: author.books))
    return None


async def stream(sessions):
    titles = []
    async with sessions() as session:
        async for title in await session.stream_scalars(select(Book.title).order_by(Book.title)):
            titles.append(title)
    return titles


async def cancelled(sessions):
    """A task cancelled within a transaction leaves nothing behind."""
    begun = asyncio.Event()

    async def never_done():
        async with sessions() as session, session.begin():
            session.add(Author(name="nobody"))
            await session.flush()
            begun.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(never_done())
    await begun.wait()
    task.cancel()
    outcome = (await asyncio.gather(task, return_exceptions=True))[0]
    async with sessions() as session:
        return type(outcome).__name__, await session.scalar(select(func.count()).where(Author.name == "nobody"))


async def main(path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args={"timeout": 30})
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    await asyncio.gather(*[fill(sessions, number) for number in range(10)])
    results = {
        "books": await count(sessions),
        "refused": await duplicate_is_refused(sessions),
        "lazily": await lazy_load_outside_is_refused(sessions),
        "streamed": len(await stream(sessions)),
        "cancelled": await cancelled(sessions),
    }
    await engine.dispose()
    return results


if __name__ == "__main__":
    import sys

    witness.report(**asyncio.run(main(sys.argv[1])))
