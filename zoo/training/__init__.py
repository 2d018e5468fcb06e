"""Training: `zoo.fit`, its set-up, the loop around steps, checkpoints, feature cache, run folder."""
