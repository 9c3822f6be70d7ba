"""Identity: what people prove themselves with."""
