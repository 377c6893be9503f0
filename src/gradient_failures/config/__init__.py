"""Configuration models: what each YAML file may hold. Nothing here imports torch."""
