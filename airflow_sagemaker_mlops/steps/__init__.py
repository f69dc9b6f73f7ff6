"""What each step type is made of; see :mod:`.catalogue`."""
