"""What all rooms speak of: a sheet of rows, our columns' names, what a person says of a file, decisions, refusals."""
