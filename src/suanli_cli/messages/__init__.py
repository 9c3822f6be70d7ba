"""Everything the command line says to people, one catalogue per language, with the same keys and placeholders."""
