"""Work on a cluster of Dask, where one machine is not enough."""
