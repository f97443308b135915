"""Why a network does not learn."""

from keras_tricks.doctor.diagnose import diagnose
from keras_tricks.doctor.diagnosis import Diagnosis
from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.read import read

__all__ = ["Diagnosis", "Finding", "diagnose", "read"]
