"""A model of the world: our commands and foreign hands in any order, and what has to hold in reality after each."""
