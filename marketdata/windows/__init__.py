"""The stored past of one symbol: which days a window has, and their rows."""
