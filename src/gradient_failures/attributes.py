"""Attributes that the data contract asks of every variable."""


def dimensionless(long_name: str) -> dict[str, str]:
    """Attributes of a variable without units."""
    return {"long_name": long_name, "units": "1"}
