"""The hot part of lazy graphs: nodes and their arguments (`nodes`), graphs ready to run and their runs (`arena`)."""
