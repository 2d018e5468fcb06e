"""Many runs: recipes one after the other on the same data, compared on images that none has seen."""
