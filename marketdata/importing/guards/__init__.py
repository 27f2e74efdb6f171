"""Doubts that no list of vendors knows: where the rows lie in their exchange's day says whether they are misread."""
