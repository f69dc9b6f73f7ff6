"""Records a step while it runs: request, inputs, code, outputs and cost."""
