"""Record of a run on disk: what was asked for, its checkpoints, and the way it goes on."""
