"""Readers of traces: text (or facts) in, a ``Trace`` out. One format a file, no reading of files here."""
