"""What goes over the wires, declared once."""
