"""The ways a step can run; an entry of the step table names one in ``how``."""
