"""Data only: `keras_gans.zoo.path()` finds the weights and data sets beside this file.

In a checkout they lie one folder up, in `zoo/`; building the wheel moves them here.
"""
