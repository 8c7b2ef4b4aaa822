"""HTTP/1.1 as a server sees it, below the hooks of `pywsgi`.

    stream    the bytes of one connection, and the patience with its client
    head      request line and header fields, parsed by llhttp
    body      the body that follows a head: of a length, or chunked
    reply     status and header fields of a response
    environs  dictionaries that hide their secrets when printed
    logs      where lines of log go
    errors    what clients do wrong

Nothing here knows of a server or of WSGI's calling convention.
"""
