"""The addresses of the project, if whoever builds the package names them. No file holds one."""

import os

from setuptools import setup

SETTINGS = {"Homepage": "BATCHNORM_HOMEPAGE", "Source": "BATCHNORM_SOURCE"}
setup(project_urls={k: os.environ[v] for k, v in SETTINGS.items() if os.environ.get(v)})
