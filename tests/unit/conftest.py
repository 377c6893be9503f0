"""What all unit tests share: hypothesis without clocks or chance."""

import hypothesis

hypothesis.settings.register_profile("unit", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("unit")
