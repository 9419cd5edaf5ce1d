"""Measurements of pages."""
