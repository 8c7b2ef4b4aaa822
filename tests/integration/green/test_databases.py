"""Clients of real servers: redis-py, psycopg2 with psycogreen, psycopg 3, PyMySQL."""


def test_redis(on_both, redis_server):
    gevent, plait = on_both("redis_many.py", redis_server.host, redis_server.port)
    assert plait == gevent
    assert plait == {
        "counted": 60,
        "piped": [3000, True],
        "handed_over": list(range(20)),
        "published": [True, True],
        "locked": 1,
        "streamed": True,
        "timed_out": ["TimeoutError", True, "gevent.Timeout", True],
    }


def test_psycopg2_with_psycogreen(on_both, postgres_server):
    gevent, plait = on_both("psycopg2_green.py", *postgres_server)
    assert plait == gevent
    assert plait == {
        "moved": [2000, 66, 150],
        "waited": ["first", "second"],
        "notified": True,
        "failed": [
            *["CHECK_VIOLATION"] * 3,
            "QueryCanceled",
            ["gevent.Timeout", 2],
            "OperationalError",
        ],
        "large": [[1_600_000, 3_200_000, 4_800_000], 500_500],
        "sqlalchemy": [True, 4],
    }


def test_psycopg3(on_both, postgres_server):
    gevent, plait = on_both("psycopg3_patched.py", *postgres_server)
    assert plait == gevent
    assert plait == {
        "implementation": "binary",
        "moved": [100_000, 80, 130],
        "waited": ["first", "second"],
        "notified": True,
        "streamed": [[4_001_000] * 4, [200_010_000] * 4],
        "failed": ["DivisionByZero", "gevent.Timeout", "QueryCanceled"],
    }


def test_pymysql(on_both, mariadb_server):
    gevent, plait = on_both("pymysql_many.py", *mariadb_server)
    assert plait == gevent
    assert plait == {
        "moved": [[70], [70], [160]],
        "waited": ["first", [[1]]],
        "streamed": [599_500] * 5,
        "failed": [
            ["ProgrammingError", 1146],
            ["IntegrityError", 1062],
            ["ProgrammingError", 1064],
            2013,
            "gevent.Timeout",
            False,
        ],
        "sqlalchemy": [True, 3],
    }
