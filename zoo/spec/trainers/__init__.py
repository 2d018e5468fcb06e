"""Options of trainers: what all of them have, optimizers, schedules; free of torch."""
