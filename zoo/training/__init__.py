"""Training: the loop, history, curves, and the verbs fit, evaluate and predict."""
