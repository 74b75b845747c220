"""What brings requests."""
