"""Input: anything array-like becomes validated columns, and every message about arguments is written here."""
