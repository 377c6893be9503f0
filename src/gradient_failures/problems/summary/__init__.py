"""The graphical summary."""
