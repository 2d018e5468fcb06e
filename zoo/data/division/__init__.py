"""Division of data into sides and folds: stratified, groups whole, in time."""
