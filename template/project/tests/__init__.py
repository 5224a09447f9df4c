"""Tests of this factory. They need no data: rows are synthesised from the catalog."""
