"""Networks and weights from elsewhere: torch modules of others, and files of other programs."""
