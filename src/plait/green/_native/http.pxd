"""Heads of requests and responses: see http.pyx."""

cdef class Head:
    cdef readonly bytes raw
    cdef readonly str request_line
    cdef readonly str method
    cdef readonly str target
    cdef readonly str version
    cdef readonly dict fields
    cdef readonly object length
    cdef readonly bint chunked
    cdef readonly bint keep_alive
    cdef str path
    cdef str query
    cdef readonly bint path_is_plain

    cpdef fill(self, environ)


cpdef bytes encoded_status(status)
cpdef tuple encoded_fields(headers)
cpdef bytes head_bytes(bytes status, list fields, bytes body=*)
cpdef bytes date_now(format_date)


cdef class HeadFields:
    cdef dict gathered
    cdef Py_ssize_t left
    cdef bint repeated


cdef class HeadReader:
    cdef HeadFields fields
    cdef object parser_class
    cdef object upgrade_class
    cdef object feed

    cpdef Head parse_strictly(self, bytes raw, Py_ssize_t most_fields)
    cpdef restart(self)
