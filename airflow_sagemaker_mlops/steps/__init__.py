"""The traits of each step type; see :mod:`.catalogue`."""
