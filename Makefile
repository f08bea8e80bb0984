# The front door: `make demo` and `make test` install what they need and work on a fresh machine with Rust.
.POSIX:
.DEFAULT_GOAL := help
# Recipes call cargo, which shares the cores out itself.
.NOTPARALLEL:

# Where rustup puts cargo, for shells that have not read its environment yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

# More arguments for the command: make demo ARGS="--seed 7 --for 60"
ARGS =
# The folder that `make demo` writes its outputs to; empty for none.
OUT = napot-out
# Recordings for the judges and the measurements, no part of the project: folders audio, av, eeg, image, segmentation,
# spectra and volume. Where the folder is not there, what needs it is left out, and that is said.
DATA = ../shared/data

.PHONY: help
help: ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)$$/  \1: \2/p' Makefile

.PHONY: demo
demo: ## build, then run the built-in room: open the page it names; Ctrl-C ends it
	@scripts/install.sh build media
	cargo build --release --locked --bin napot
	target/release/napot demo $(if $(OUT),--out "$(OUT)") $(ARGS)

.PHONY: test
test: ## run every test; fails where none ran
	@scripts/install.sh build media
	@scripts/test.sh --locked $(ARGS)

.PHONY: lint
lint: ## check formatting, lints, documentation, the house rules and the scripts
	@scripts/install.sh build lint
	@scripts/lint.sh

.PHONY: bench
bench: ## measure what the engine costs on this machine
	@scripts/install.sh build
	cargo build --release --locked --bin napot
	target/release/napot bench $(ARGS)

.PHONY: doc
doc: ## build the documentation into target/doc
	@scripts/install.sh build
	cargo doc --locked --no-deps

.PHONY: validate
validate: ## hold the array's physics against closed forms; writes the table of docs/science.md anew (minutes)
	@scripts/install.sh build
	cargo build --release --locked --bin napot
	@scripts/validate.sh target/release/napot docs/science.md $(ARGS)

.PHONY: oddball
oddball: ## teach the arrays a rhythm of sounds and pictures and break it: what fades, what comes back (minutes); ARGS=--quick
	@scripts/install.sh build
	cargo run --release --locked --example oddball -- $(ARGS)

.PHONY: check-peers
check-peers: ## have outside programs (MNE-Python, specparam, librosa) judge the outputs
	@scripts/install.sh build media peers
	@scripts/check_peers.sh "$(DATA)"

.PHONY: check-lsl
check-lsl: ## hold live exchange over LSL against pylsl and MNE-Python, for ARGS seconds (default 20; then some 4 minutes)
	@scripts/install.sh build peers
	@scripts/check_lsl.sh $(ARGS)

.PHONY: check-browser
check-browser: ## have a headless Chromium give its camera and microphone over the page; measures what arrives (a minute)
	@scripts/install.sh build page
	@scripts/check_browser.sh

.PHONY: check-page
check-page: ## judge the page in a headless Chromium: every control, WCAG 2.2, flashes (a quarter of an hour); ARGS=60 for longer films
	@scripts/install.sh build page
	cargo build --release --locked --bin napot
	@scripts/check_page.sh target/release/napot $(ARGS)

.PHONY: check-sound
check-sound: ## have ffmpeg judge loudness and peaks of the room and of music in every scene (a quarter of an hour): ARGS=60
	@scripts/install.sh build media
	cargo build --release --locked --bin napot
	@scripts/check_sound.sh target/release/napot "$(DATA)" $(ARGS)

.PHONY: pictures
pictures: ## take the README's pictures anew, by a headless Chromium (minutes)
	@scripts/install.sh build media page
	cargo build --release --locked --bin napot
	@cd scripts/page && npm ci --no-audit --no-fund --silent
	@node scripts/page/pictures.mjs --pictures docs --clip "$(DATA)/av/cockatoo.mp4" target/release/napot

.PHONY: test-live
test-live: ## live runs on virtual sound servers and cameras, with faults: rates, channels, hung, killed and stopped servers
	@scripts/install.sh build rigs
	cargo test --locked --test live -- --include-ignored $(ARGS)

.PHONY: test-vm
test-vm: ## run with a kernel's camera and sound card in a virtual machine, and lose them (10 minutes; 75 MB at first); ARGS=20 for shorter
	@scripts/install.sh build vm
	cargo build --release --locked --bin napot
	@scripts/test_vm.sh target/release/napot $(ARGS)

.PHONY: test-attack
test-attack: ## attack the page of a running demo: 100,000 connections, frozen and hostile clients (4 minutes); ARGS="--connections 1000"
	@scripts/install.sh build attack
	cargo build --release --locked --bin napot
	@scripts/attack.py target/release/napot $(ARGS)

.PHONY: check-bits
check-bits: ## hold every instruction set and 1 and 2 threads to the reference's bits for 10,000 ticks (minutes)
	@scripts/install.sh build
	cargo test --locked --lib -- --ignored ten_thousand_ticks $(ARGS)

.PHONY: check-realtime
check-realtime: ## run ticks and device callbacks under the compiler's real-time sanitizer (a build of its own)
	@scripts/install.sh build rigs
	@scripts/check_realtime.sh

.PHONY: check-arm64
check-arm64: ## cross-check to compile and run the kernels' tests for 64-bit ARM under qemu; names what is missing
	@scripts/install.sh build arm64
	@scripts/check_arm64.sh

.PHONY: check-gpu
check-gpu: ## run the GPU's tests on a software adapter; the first build takes minutes
	@scripts/install.sh build gpu
	@scripts/test.sh --locked --features gpu --lib gpu:: $(ARGS)

.PHONY: bench-peers
bench-peers: ## time the lattice against C, Numba, JAX, PyTorch, NumPy and Brian2 (7 GB of packages): ARGS="256 --json"
	@scripts/install.sh build peers compilers
	@scripts/bench_peers.sh $(ARGS)

.PHONY: bench-memory
bench-memory: ## time a read of the memory of pictures against NumPy and PyTorch (7 GB of packages): ARGS="--rounds 21"
	@scripts/install.sh build peers compilers
	@scripts/bench_peers.sh memory $(ARGS)

.PHONY: bench-latency
bench-latency: ## measure the way from microphone to speaker on a virtual JACK server, beside SuperCollider and Pure Data where they are installed (supercollider-server, puredata-core; 4 minutes): ARGS="64 256"
	@scripts/install.sh build rigs
	cargo build --release --locked --bin napot
	@scripts/bench_latency.sh target/release/napot $(ARGS)

.PHONY: fuzz
fuzz: ## fuzz every importer by libFuzzer (an hour, needs a C++ compiler): ARGS="1000000 flac mp4"
	@scripts/install.sh build compilers
	@scripts/fuzz.sh $(ARGS)

.PHONY: soak-kills
soak-kills: ## kill a recorder 1000 times (a quarter of an hour): nothing that it had written is lost; ARGS=50
	@scripts/install.sh build
	@scripts/soak_kills.sh $(ARGS)

.PHONY: soak-devices
soak-devices: ## kill, stop and unplug devices of live runs 100 times each (20 minutes); prints a table; ARGS=10
	@scripts/install.sh build rigs
	@scripts/soak_devices.sh $(ARGS)

.PHONY: clean
clean: ## remove what was built, the environments of judges, peers and the page's checks, and the demo's outputs
	cargo clean
	rm -rf .peers napot-out scripts/page/node_modules
