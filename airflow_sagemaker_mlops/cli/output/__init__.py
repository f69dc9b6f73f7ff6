"""What commands print: nothing else of the package writes to the terminal."""
