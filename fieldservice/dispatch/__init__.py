"""The dispatcher's board."""
