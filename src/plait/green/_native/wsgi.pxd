"""A request of a WSGI server: see wsgi.pyx."""

from plait.green._native.http cimport Head, HeadReader
from plait.green._native.stream cimport StreamCore

cdef class HandlerCore:
    cdef public object socket
    cdef public object client_address
    cdef public object server
    cdef public object rfile
    # of the request
    cdef public object requestline
    cdef public object command
    cdef public object path
    cdef public object request_version
    cdef public object content_length
    cdef public bint close_connection
    cdef public object environ
    cdef public object application
    cdef public object wsgi_input
    # of the response
    cdef public object status
    cdef public object _orig_status
    cdef public object code
    cdef public object response_headers
    cdef public bint headers_sent
    cdef public bint response_use_chunked
    cdef public bint connection_upgraded
    cdef public Py_ssize_t response_length
    cdef public object result
    cdef public object provided_date
    cdef public object provided_content_length
    cdef public object _provided_connection
    cdef public object _left
    cdef public double time_start
    cdef public double time_finish
    # of the connection
    cdef readonly StreamCore _stream
    cdef readonly object _terms
    cdef readonly HeadReader _parser
    cdef readonly Head _head
    cdef public object _message
    cdef object no_input
    cdef dict remote
    cdef bint by_hand
    cdef object idle  # of the terms, as they were when the connection began
    cdef object body
    cdef Py_ssize_t longest_line
    cdef Py_ssize_t most_fields

    cdef Head read_head(self)
    cdef bint over(self) except -1
    cdef int begin(self, Head head) except -1

    cdef send(self, data)
    cdef input(self, environ)
    cdef first_piece(self, data)
    cdef next_piece(self, data)
    cdef frame_body(self, list fields)
