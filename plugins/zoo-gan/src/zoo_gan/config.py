"""Options of the components, free of torch."""
