"""Networks trained on ensembles: data, targets, ranks, the loop, its saved states, weights and predictions."""
