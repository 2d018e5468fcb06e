"""Work that the processes of a launch share: who does what, and what they tell each other."""
