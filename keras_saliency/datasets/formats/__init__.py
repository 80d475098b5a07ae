"""Forms that data sets are stored in: each reader beside its writer."""
