"""SQLAlchemy's asyncio extension: each awaited call switches between a greenlet and the event loop's."""


def test_sessions_streams_and_cancellation(on_both):
    stock, plait = on_both("sqlalchemy_asyncio.py", "library.db")
    assert plait == stock
    assert plait == {
        "books": 30,
        "refused": True,
        "lazily": ["book 0.0", "book 0.1", "book 0.2"],
        "streamed": 30,
        "cancelled": ["CancelledError", 0],
    }
