"""Floor 3: the use cases, one package or module per noun, strangers to each other.

A service imports model, kernel and ports. Services meet through facts, through ports named by the asker, and through
store queries; never through one another.
"""
