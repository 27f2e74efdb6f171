"""What the live pages show: cards, candles, heat maps and their feed."""
