"""The output of commands: no other room of the package writes to the terminal."""
