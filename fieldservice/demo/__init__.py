"""A made-up company to try the product with, or to measure it on a real map."""

from fieldservice.demo.company import DemoRefused, DemoReport, make_demo

__all__ = ["DemoRefused", "DemoReport", "make_demo"]
