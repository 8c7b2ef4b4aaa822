"""There is no c-ares resolver: asking for it is an ImportError that names the others."""

raise ImportError(
    "plait has no c-ares resolver; choose GEVENT_RESOLVER=thread, which asks the system in threads of its own, or "
    "GEVENT_RESOLVER=dnspython, which asks name servers without threads (pip install plait[dnspython])"
)
