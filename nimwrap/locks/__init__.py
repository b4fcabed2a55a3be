"""The locks by which nimwraps that work on one master keep out of each other's way."""
