"""A child process that has a library which this process cannot import, and proxies of what lives there.

Where the name `dask` is plait's, `distributed` would find plait in place of the dask that it is made of. So it lives in
a child in which no name is aliased; here its classes, functions and objects have proxies.

    channel   the child: starting it, calls, its end
    proxies   classes, functions, objects of the child as they look here
    wire      pickles in which either side's objects are references
    serve     the child's side

One mechanism serves all: each use of a proxy is one call that the child makes. Which class has which methods the child
tells once. Values travel by value, the library's own objects by reference, and a user's functions as they would to a
worker; a proxy inside them is the real thing there. Nothing in here names a class of the library.

The child ends with this process, however that ends: it reads the end of its channel.
"""
