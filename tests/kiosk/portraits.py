"""The two public-domain people, as they lie in the wheels of scikit-image and matplotlib, and changes to them."""

from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np

from kiosk.picture import Image

ASTRONAUT = Path(str(files("skimage") / "data" / "astronaut.png"))
HOPPER = Path(str(files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg"))


def scaled(image: Image) -> Image:
    return np.asarray(cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA), np.uint8)


def turned(image: Image) -> Image:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 8, 1)
    return np.asarray(cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def brightened(image: Image) -> Image:
    return np.asarray(cv2.convertScaleAbs(image, alpha=1.25, beta=15), np.uint8)
