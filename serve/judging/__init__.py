"""The judging page: trajectories of several methods for one question, side by side and without names (paper Fig. 6)."""
