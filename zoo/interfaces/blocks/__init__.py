"""What a chain of blocks knows: shapes, what is frozen, its frozen prefix, its table."""
