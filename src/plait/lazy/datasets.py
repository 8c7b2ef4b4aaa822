"""Made-up data to try things on: `make_people`. The extra `datasets` brings the package mimesis, which makes it."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from plait.lazy import bag


def make_people(
    npartitions: int = 10, records_per_partition: int = 1000, seed: int | None = None, locale: str = "en"
) -> bag.Bag:
    """A bag of dictionaries that describe people who do not exist.

    seed: the same seed makes the same people. locale: a language of mimesis. Raises ImportError without mimesis.
    """
    try:
        import mimesis  # noqa: F401
    except ImportError:
        raise ImportError('make_people needs mimesis; python -m pip install mimesis, or "plait[datasets]"') from None
    seeds = Random(seed)
    partitions = bag.from_sequence([seeds.getrandbits(32) for _ in range(npartitions)], npartitions=npartitions)
    return partitions.map(partial(_people, records_per_partition, locale)).flatten()


def _people(count: int, locale: str, seed: int) -> list[dict[str, Any]]:
    from mimesis import Address, Payment, Person
    from mimesis.locales import Locale

    person, address, payment = Person(Locale(locale), seed=seed), Address(Locale(locale), seed=seed), Payment(seed=seed)
    ages = Random(seed)
    return [
        {
            "age": ages.randint(16, 90),
            "name": (person.first_name(), person.last_name()),
            "occupation": person.occupation(),
            "telephone": person.telephone(),
            "address": {"address": address.address(), "city": address.city()},
            "credit-card": {
                "number": payment.credit_card_number(),
                "expiration-date": payment.credit_card_expiration_date(),
            },
        }
        for _ in range(count)
    ]
