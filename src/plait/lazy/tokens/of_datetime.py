"""Dates and times: by their text, unless a time zone is of a class that may not show itself."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from plait.lazy.tokens.normal import itself, normalize_token

normalize_token.register((date, timedelta, timezone), itself)


@normalize_token.register((datetime, time))
def _with_zone(value: datetime | time) -> Any:
    if value.tzinfo is None or isinstance(value.tzinfo, timezone):
        return value
    return value.replace(tzinfo=None), value.tzinfo
