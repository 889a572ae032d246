"""Optimisation of field service routes: integers in, plans out."""
