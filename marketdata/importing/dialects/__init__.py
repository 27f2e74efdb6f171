"""The forms of vendors' files: what identifies each, and what it says that the file itself does not."""
