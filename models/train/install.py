"""Puts trained weights into the catalogue: exports them, pins their checksums and makes their reference picture.

    python install.py WORK          the running mean of WORK/checkpoint.pt
    python install.py WEIGHTS.bin   what train_gpu.py or mix.py wrote
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from export import description
from export import main as export

MODELS = Path(__file__).resolve().parent.parent
NAME = "darkroom-fast-x4"


def main(made: Path) -> None:
    weights = MODELS / "weights" / NAME
    if made.suffix == ".bin":
        weights.with_name(f"{NAME}.param").write_text(description())
        weights.with_name(f"{NAME}.bin").write_bytes(made.read_bytes())
    else:
        export(made, weights)
    for name in (NAME, f"{NAME}-int8"):
        place = MODELS / "catalogue" / f"{name}.json"
        entry = json.loads(place.read_text())
        for kind in ("param", "bin"):
            written = weights.with_name(f"{NAME}.{kind}").read_bytes()
            entry["files"][kind] = {
                "name": f"{NAME}.{kind}",
                "bytes": len(written),
                "sha256": hashlib.sha256(written).hexdigest(),
            }
        place.write_text(json.dumps(entry, indent=2, ensure_ascii=False) + "\n")
    vectors = MODELS / "reference" / "make_vectors.py"
    subprocess.run([sys.executable, vectors, MODELS / "weights", NAME], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
