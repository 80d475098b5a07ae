"""Data sets as their publishers distribute them."""
