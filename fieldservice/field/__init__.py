"""The technician's day on a phone."""
