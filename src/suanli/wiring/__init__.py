"""Floor 5: settings, assembly and mains. The only room that knows an adapter by name."""
