# SPDX-License-Identifier: Apache-2.0
# Thin: every rule calls one script. `make run` and `make demo` are where to begin.

.PHONY: help run demo test bench clean

help:
	@echo "make run     build if need be, and start the broker on 127.0.0.1:1883"
	@echo "make demo    link two brokers and watch messages cross, once, both ways"
	@echo "make test    everything there is to check; the last line is the sum"
	@echo "make bench   measure (make bench QUICK=1: a short run)"

run:
	@scripts/run.sh

demo:
	@scripts/build.sh
	@scripts/setup.sh --demo
	@python3 scripts/demo.py

test:
	@scripts/setup.sh --tests
	@Tests/.venv/bin/python scripts/test.py

bench:
	@scripts/build.sh
	@python3 Benchmarks/run.py

clean:
	rm -rf .build data
