# Install requirements.lock and the package into the environment of this Python: install.sh PYTHON
# With uv; where uv cannot be had, with pip. Either way every file must have the hash in the lock.
set -e
pip="$1 -m pip --disable-pip-version-check"
uv=$(sed -n 's/^uv==/uv==/p' requirements.txt)
if $pip install --quiet "$uv"; then
  pip="$1 -m uv pip"
  export VIRTUAL_ENV="${1%/bin/python}"
fi
$pip install --quiet --no-deps --require-hashes --requirement requirements.lock
$pip install --quiet --no-deps --no-build-isolation --editable ./code
