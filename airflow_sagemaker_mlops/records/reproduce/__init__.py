"""Running a recorded run again: the versions it read, the answers it got, and whether the same came out."""
