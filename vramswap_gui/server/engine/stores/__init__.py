"""What holds the data of a segment."""
