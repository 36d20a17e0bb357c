# make run    sets everything up and runs the quickstart notebook's containers
# make test   everything: `make check`, all suites, the notebooks
# make test-vm  the runtime's and images' suites in a virtual machine too, and many power cuts: hours (three on two processors)
# make check  format, lint, types, floors, unit tests: under a minute
# make lock   requirements.lock anew from pyproject.toml

.PHONY: run test test-vm check setup lock

run: setup
	@.venv/bin/python scripts/quickstart.py

test:
	@scripts/test.sh

test-vm: setup
	@scripts/test_vm.sh

check: setup
	@scripts/check.sh

setup:
	@scripts/setup.sh

lock:
	@scripts/lock.sh
