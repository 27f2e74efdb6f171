"""Other engines, each run by a virtual environment of its own; these files import nothing of this project."""
