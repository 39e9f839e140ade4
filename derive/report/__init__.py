"""Reports: they print what was established and compute nothing."""
