"""Study files: strict models, safe loading, content-addressed identities, cost estimates. Runs on a login node."""
