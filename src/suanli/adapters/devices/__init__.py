"""Devices of this machine: a parser for each vendor, and the one runner that asks their tools."""
