# make app    install the runtime (no torch) into .venv and open the app
# make test   everything that CI runs: linters, types, import contract, all tests
#
# Options: PYTHON=python3.13   APP_ARGS="--port 7861"   PYTEST_ARGS="-k catalogue --durations=10"

PYTHON ?= python3
APP_ARGS ?=
PYTEST_ARGS ?=

# What parity is measured against; sam2ov needs neither.
TORCH := torch==2.13.0
SAM2 := sam2==1.1.0
# Whose checkpoints are read too; the converter needs none of it.
TRANSFORMERS := transformers==5.24.0
# An independent J and F; see the test extra in pyproject.toml.
VOS_BENCHMARK := vos-benchmark==0.1.0

APP_VENV := .venv
TEST_VENV := .venv-test
RUNTIME_VENV := .venv-runtime
# The authors' code of the rest of the family: all of these packages are called sam2.
EDGETAM_VENV := .venv-edgetam
EDGETAM := edgetam-dimos==1.0.1 timm==1.0.15
EFFICIENTTAM_VENV := .venv-efficienttam
EFFICIENTTAM := efficient-track-anything==1.0
# Programs of others that read our exports, see tests/readers.
READERS_VENV := .venv-readers
READERS := tests/readers/requirements.txt
# What npm installs to check the page's code; the app needs no Node.
NODE_MODULES := node_modules
STAMP := installed.stamp

# Tests that need torch; every other test runs where torch is absent.
TORCH_TESTS := tests/convert tests/parity tests/reference tests/training
READERS_TESTS := tests/readers

stage = @printf '\n==> %s  %s\n' "$$(date +%H:%M:%S)" $(1)
# pytest exits with 5 when PYTEST_ARGS selects none of a run's tests; without PYTEST_ARGS it is a failure.
pytest = $(1)/bin/python -m pytest $(2) $(PYTEST_ARGS)$(if $(PYTEST_ARGS), || [ $$? -eq 5 ])

.PHONY: app test check test-torch test-readers test-runtime hooks clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

app: $(APP_VENV)/$(STAMP)
	$(APP_VENV)/bin/sam2ov app $(APP_ARGS)

test: check test-torch test-readers test-runtime
	$(call stage,"all checks passed")

check: $(TEST_VENV)/$(STAMP) $(NODE_MODULES)/$(STAMP)
	$(call stage,"ruff$(comma) mypy and import-linter")
	$(TEST_VENV)/bin/ruff check
	$(TEST_VENV)/bin/ruff format --check
	$(TEST_VENV)/bin/mypy
	$(TEST_VENV)/bin/lint-imports
	$(call stage,"types and tests of the page")
	$(TEST_VENV)/bin/python -m tools.page_types --check
	$(NODE_MODULES)/.bin/tsc
	$(NODE_MODULES)/.bin/tsc --project tsconfig.on_load.json
	node --test tests/ui/web/*.test.js

test-torch: $(TEST_VENV)/$(STAMP) $(EDGETAM_VENV)/$(STAMP) $(EFFICIENTTAM_VENV)/$(STAMP)
	$(call stage,"tests of the converter and of parity with the authors' code in torch")
	$(call pytest,$(TEST_VENV),$(TORCH_TESTS) -n 2 --dist loadfile)

test-readers: $(READERS_VENV)/$(STAMP)
	$(call stage,"exports read by programs of others")
	$(call pytest,$(READERS_VENV),$(READERS_TESTS))

test-runtime: $(RUNTIME_VENV)/$(STAMP)
	$(call stage,"tests of the runtime in an environment without torch")
	@if $(RUNTIME_VENV)/bin/python -c "import torch" 2>/dev/null; then \
		echo "$(RUNTIME_VENV) has torch: the runtime must install and run without it." >&2; exit 1; fi
	@# The browser's tests wait most of the time: they run beside all others and are shown behind them.
	@log=$$(mktemp); { $(call pytest,$(RUNTIME_VENV),tests/e2e); } >"$$log" 2>&1 & browser=$$!; \
		{ $(call pytest,$(RUNTIME_VENV),tests $(TORCH_TESTS:%=--ignore=%) --ignore=$(READERS_TESTS) --ignore=tests/e2e); }; others=$$?; \
		wait $$browser; ended=$$?; \
		printf '\n==> the tests of the page in a browser\n'; cat "$$log"; rm -f "$$log"; \
		[ $$others -eq 0 ] && [ $$ended -eq 0 ]

hooks: $(TEST_VENV)/$(STAMP) $(NODE_MODULES)/$(STAMP)
	$(TEST_VENV)/bin/pre-commit install

clean:
	rm -rf $(APP_VENV) $(TEST_VENV) $(RUNTIME_VENV) $(EDGETAM_VENV) $(EFFICIENTTAM_VENV) $(READERS_VENV) $(NODE_MODULES) build dist *.egg-info

comma := ,

# $(call venv,FOLDER): a fresh environment, or a clear message where python cannot make one.
define venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "sam2ov needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(1) || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
endef

$(APP_VENV)/$(STAMP): pyproject.toml
	$(call stage,"installing the app into $(APP_VENV)")
	$(call venv,$(APP_VENV))
	$(APP_VENV)/bin/python -m pip install --quiet --editable .
	@touch $@

# torch goes first and is named again beside sam2, whose torchvision would otherwise pull another torch;
# sam2 builds without isolation, which would download a torch of its own only to build.
$(TEST_VENV)/$(STAMP): pyproject.toml
	$(call stage,"installing torch into $(TEST_VENV)")
	$(call venv,$(TEST_VENV))
	$(TEST_VENV)/bin/python -m pip install --quiet "setuptools>=77" wheel $(TORCH)
	$(call stage,"installing sam2$(comma) sam2ov and the test tools into $(TEST_VENV)")
	SAM2_BUILD_CUDA=0 $(TEST_VENV)/bin/python -m pip install --quiet --no-build-isolation $(SAM2) $(TORCH)
	$(TEST_VENV)/bin/python -m pip install --quiet --editable ".[test]" $(TORCH) $(TRANSFORMERS)
	$(TEST_VENV)/bin/python -m pip install --quiet --no-deps $(VOS_BENCHMARK)
	@touch $@

# $(call reference_venv,FOLDER,NAMES,PACKAGES): these packages alone; torch and all else they import lie in the
# test environment, which comes behind them on the search path.
define reference_venv
	$(call stage,"installing $(2) into $(1)")
	@$(TEST_VENV)/bin/python -m venv --clear --without-pip $(1)
	$(TEST_VENV)/bin/python -m pip --python $(1)/bin/python install --quiet --no-deps $(3)
	@site='import sysconfig; print(sysconfig.get_path("purelib"))'; \
		$(TEST_VENV)/bin/python -c "$$site" > "$$($(1)/bin/python -c "$$site")/test_environment.pth"
	@touch $(1)/$(STAMP)
endef

$(EDGETAM_VENV)/$(STAMP): $(TEST_VENV)/$(STAMP)
	$(call reference_venv,$(EDGETAM_VENV),$(EDGETAM),$(EDGETAM))

$(EFFICIENTTAM_VENV)/$(STAMP): $(TEST_VENV)/$(STAMP)
	$(call reference_venv,$(EFFICIENTTAM_VENV),$(EFFICIENTTAM),$(EFFICIENTTAM))

$(READERS_VENV)/$(STAMP): $(TEST_VENV)/$(STAMP) $(READERS)
	$(call reference_venv,$(READERS_VENV),$(READERS),--requirement $(READERS))

$(NODE_MODULES)/$(STAMP): package.json package-lock.json
	$(call stage,"installing what checks the page into $(NODE_MODULES)")
	@command -v npm >/dev/null || { \
		echo "The page is checked with Node 18 or newer and npm; on Debian and Ubuntu: apt install npm" >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(RUNTIME_VENV)/$(STAMP): pyproject.toml
	$(call stage,"installing sam2ov without torch into $(RUNTIME_VENV)")
	$(call venv,$(RUNTIME_VENV))
	$(RUNTIME_VENV)/bin/python -m pip install --quiet --editable ".[test,mcp]"
	$(RUNTIME_VENV)/bin/python -m pip install --quiet --no-deps $(VOS_BENCHMARK)
	@touch $@
