"""The normal form: the decision procedure for equality of expressions with indexed sums."""
