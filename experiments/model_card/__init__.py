"""The card of an exported model: what it is for, how good it is, what is not known."""
