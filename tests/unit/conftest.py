"""What all unit tests share: one thread, and hypothesis without clocks or chance."""

import hypothesis
import torch

torch.set_num_threads(1)

hypothesis.settings.register_profile("unit", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("unit")
