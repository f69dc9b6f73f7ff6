"""The runners, one class each.  An entry of the step table names one; :mod:`.base` defines the interface."""
