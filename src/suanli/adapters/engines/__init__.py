"""Engines: what runs the work that Suanli decided, one folder for each kind."""
