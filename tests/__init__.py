"""A package, since torch-fidelity installs another one of the name `tests`."""
