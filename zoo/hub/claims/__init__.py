"""Claims that come with a model: what it needs, and under which licences its weights are."""
