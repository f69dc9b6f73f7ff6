"""How steps run: a class a runner.  An entry of the step table names one; what runners are is in :mod:`.base`."""
