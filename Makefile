# SPDX-License-Identifier: Apache-2.0
#
# A thin front door to cmake, ninja and the scripts; every target can be run on its own.
#
#   make          build/db and librem, optimised        make test     unit tests, fast
#   make deps     what the build needs (Debian 12)      make check    everything that must always hold
#   make model    the embedding model, once             make soak     the same at full length
#   make demo     all of these, then a guided tour      make bench    the benchmarks
#   make install  into PREFIX (default /usr/local)      make lint     formatting and house rules

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.PHONY: all deps deps-test deps-bench build model demo test check soak bench lint install clean

all: build

deps:
	script/deps build

deps-test:
	script/deps test

deps-bench:
	script/deps bench

build:
	cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) > /dev/null
	cmake --build --preset release -j $(JOBS) --target ship

model: build
	script/model

demo: deps
	$(MAKE) model
	script/tour

test:
	tests/run fast

check:
	tests/run check

soak:
	tests/run soak

bench: deps-bench
	cmake --preset bench > /dev/null
	cmake --build --preset bench -j $(JOBS)
	bench/run build-bench

lint:
	tests/run house

install: build
	cmake --install build --prefix $(PREFIX)

clean:
	rm -rf build build-*
