"""How the report is made."""
