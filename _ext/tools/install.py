"""Install requirements.lock and the package into the environment of the Python that runs this.

With uv; where uv cannot be had, with pip. Either way every file must have the hash in the lock.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
UV = [sys.executable, "-m", "uv", "pip", "install", "--quiet", f"--python={sys.executable}"]


def main():
    uv = re.search(r"^uv==\S+", (ROOT / "requirements.txt").read_text("utf8"), re.M)[0]
    installer = PIP if subprocess.run([*PIP, uv], cwd=ROOT).returncode else UV
    for what in (
        ["--no-deps", "--require-hashes", "--requirement", "requirements.lock"],
        ["--no-deps", "--no-build-isolation", "--editable", "./code"],
    ):
        subprocess.run([*installer, *what], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
