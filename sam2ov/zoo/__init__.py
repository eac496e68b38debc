"""From a model's name to compiled networks: finding, fetching, converting, quantising, loading."""
