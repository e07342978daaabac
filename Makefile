# SPDX-License-Identifier: Apache-2.0
# Thin: every rule calls one script. `make run` and `make demo` are where to begin.

.PHONY: help run demo test sanitize slips bench instructions clean

help:
	@echo "make run           build if need be, and start the broker on 127.0.0.1:1883"
	@echo "make demo          link two brokers and watch messages cross, once, both ways"
	@echo "make test          everything there is to check; the last line is the sum"
	@echo "make sanitize      the part of it that looks for memory errors and data races"
	@echo "make slips         put one-line mistakes in, one at a time, and count those that the tests notice (hours)"
	@echo "make bench         measure (make bench QUICK=1: a short run)"
	@echo "make instructions  count the broker's instructions (make instructions STORE=1: store them)"

run:
	@scripts/run.sh

demo:
	@scripts/build.sh
	@scripts/setup.sh --demo
	@python3 scripts/demo.py

test:
	@scripts/setup.sh --tests
	@Tests/.venv/bin/python scripts/test.py

sanitize:
	@scripts/setup.sh --tests
	@Tests/.venv/bin/python scripts/sanitize.py

slips:
	@scripts/setup.sh --tests
	@Tests/.venv/bin/python scripts/slips.py

bench:
	@scripts/build.sh
	@python3 Benchmarks/run.py

instructions:
	@scripts/build.sh
	@scripts/setup.sh --tests
	@python3 Benchmarks/count.py $(if $(STORE),--store)

clean:
	rm -rf .build .build-asan .build-tsan .build-slips data
