"""Training: the loop, the run folder that it can be continued from, and what a trained model writes."""
