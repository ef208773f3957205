"""Which face engine the settings name."""

from kiosk.faces.engine import DlibFaces, FaceEngine
from kiosk.faces.yunet import YuNetFaces
from kiosk.settings import KioskSettings


def open_engine(settings: KioskSettings) -> FaceEngine:
    """Open the engine of a kiosk's settings; raises FaceEngineMissing or ModelUnusable."""
    if settings.face_engine == "sface" and settings.detector_model and settings.recognizer_model:
        return YuNetFaces(settings.detector_model, settings.recognizer_model)
    return DlibFaces(settings.dlib_model)
