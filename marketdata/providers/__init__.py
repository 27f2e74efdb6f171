"""Where missing days come from: a provider each, and one way to ask them, with deadlines and their pace."""
