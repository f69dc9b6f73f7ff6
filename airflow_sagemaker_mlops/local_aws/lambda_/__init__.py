"""The part of Lambda that our own code serves: Invoke."""
