"""How values travel between a process and its workers: pickles in frames, buffers beside them."""
