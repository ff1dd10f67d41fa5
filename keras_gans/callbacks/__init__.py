"""Callbacks for `fit`: pictures, backups, metrics, advice."""

from keras_gans.callbacks.backup import BackupAndRestore
from keras_gans.callbacks.discriminator_steps import DiscriminatorSteps
from keras_gans.callbacks.frechet_distance import FID
from keras_gans.callbacks.frechet_distance import FrechetDistance
from keras_gans.callbacks.inpainting_grid import InpaintingGrid
from keras_gans.callbacks.metric_monitor import MetricMonitor
from keras_gans.callbacks.sample_grid import SampleGrid
from keras_gans.callbacks.training_doctor import TrainingDoctor
from keras_gans.callbacks.translation_grid import TranslationGrid
from keras_gans.callbacks.translation_monitor import TranslationMonitor

__all__ = [
    "FID",
    "BackupAndRestore",
    "DiscriminatorSteps",
    "FrechetDistance",
    "InpaintingGrid",
    "MetricMonitor",
    "SampleGrid",
    "TrainingDoctor",
    "TranslationGrid",
    "TranslationMonitor",
]
