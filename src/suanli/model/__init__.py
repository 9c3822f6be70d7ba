"""Floor 1: the nouns. Frozen dataclasses, enums, typed ids, quantities with units, errors and facts.

Imports the standard library only, and never asyncio, time or random: a noun knows no clock and no chance.
"""
