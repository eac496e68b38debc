"""What holds for the project as a whole: imports, contracts, packaging, image, commands."""

import itertools
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import sam2ov

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "torchvision", "sam2", "openvino", "cv2", "gradio", "av")


def _run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> str:
    """Run a command that must succeed, and return its standard output."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def tracked() -> tuple[str, ...]:
    """The files under version control that are there, relative to the root."""
    names = _run("git", "ls-files", "-z").split("\0")
    return tuple(name for name in names if name and (ROOT / name).is_file())


@pytest.fixture(scope="session")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# --- imports ---------------------------------------------------------------------------------


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = f"import sys, sam2ov; print([name for name in {HEAVY} if name in sys.modules])"
    assert _run(sys.executable, "-c", program).strip() == "[]"


def test_all_public_names_resolve() -> None:
    assert len(set(sam2ov.__all__)) == len(sam2ov.__all__)
    for name in sam2ov.__all__:
        assert getattr(sam2ov, name) is not None


def test_the_import_contracts_hold() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "lint-imports"
    assert " 0 broken" in _run(linter, "--no-cache")


# --- one place for each fact -------------------------------------------------------------------


def test_the_version_stands_in_one_place(
    tracked: tuple[str, ...], pyproject: dict[str, Any]
) -> None:
    assert "version" in pyproject["project"]["dynamic"]
    assignment = re.compile(r"^__version__\s*=", re.MULTILINE)
    sources = [name for name in tracked if name.endswith(".py")]
    assert [name for name in sources if assignment.search((ROOT / name).read_text("utf-8"))] == [
        "sam2ov/_version.py"
    ]


def test_nothing_that_is_installed_asks_for_torch(pyproject: dict[str, Any]) -> None:
    """Models are converted by what a plain install has."""
    extras = pyproject["project"]["optional-dependencies"].values()
    wanted = [*pyproject["project"]["dependencies"], *itertools.chain(*extras)]
    assert [name for name in wanted if re.match(r"(torch|sam2|timm|transformers)\b", name)] == []


def test_no_file_names_this_machine_or_a_registry(tracked: tuple[str, ...]) -> None:
    here = {f"{ROOT}{os.sep}", f"{Path.home()}{os.sep}"}
    if ROOT.parent not in (Path(tempfile.gettempdir()), Path(ROOT.anchor), Path.home().parent):
        here.add(f"{ROOT.parent}{os.sep}")
    # Written in halves, or this file would name them itself.
    hosts = {
        "pypi" + ".org",
        "pythonhosted" + ".org",
        "npmjs" + ".org",
        "download.pytorch" + ".org",
    }
    options = {"--index" + "-url", "--extra-index" + "-url", "--find" + "-links"}
    forbidden = [text.encode() for text in here | hosts | options]
    found = {
        (name, text.decode())
        for name in tracked
        for text in forbidden
        if text in (ROOT / name).read_bytes()
    }
    assert found == set()


# --- the wheel ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def wheel(tracked: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a fresh clone builds."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked:
        _copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    build = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", out, source)
    _run(sys.executable, "-m", "pip", *build)
    [built] = out.glob("*.whl")
    return built


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _metadata(wheel: Path, file: str) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(f".dist-info/{file}")]
        return message_from_bytes(archive.read(name))


def test_the_wheel_holds_the_packages_and_nothing_else(
    wheel: Path, tracked: tuple[str, ...]
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {name for name in tracked if name.startswith(("sam2ov/", "convert/"))}
    assert {"sam2ov/py.typed", "sam2ov/models/micro/manifest.json"} <= packed
    assert {".js", ".css"} <= {PurePosixPath(name).suffix for name in packed}


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    about = _metadata(wheel, "METADATA")
    assert (about["Name"], about["Version"]) == ("sam2ov", sam2ov.__version__)
    assert about["License-Expression"] == "Apache-2.0"
    assert "LICENSE" in about.get_all("License-File", [])
    assert about["Requires-Python"] == ">=3.11"


def test_the_runtime_does_not_require_torch(wheel: Path) -> None:
    required = _metadata(wheel, "METADATA").get_all("Requires-Dist", [])
    runtime = {re.split(r"[ <>=!~;\[]", line)[0] for line in required if "extra ==" not in line}
    assert "openvino" in runtime
    assert runtime.isdisjoint({"torch", "torchvision", "sam2", "pytest"})


# --- the container image -----------------------------------------------------------------------


@dataclass(frozen=True)
class Image:
    """The Dockerfile's instructions in order, as (instruction, rest of the line)."""

    steps: tuple[tuple[str, str], ...]

    def all(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.steps if name == instruction]

    def last(self, instruction: str) -> str:
        return self.all(instruction)[-1]

    @property
    def command(self) -> list[str]:
        return list(json.loads(self.last("CMD")))


@pytest.fixture(scope="session")
def image() -> Image:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return Image(tuple((name, rest.strip()) for name, rest in lines))


def _in_build_context(name: str) -> bool:
    """Whether .dockerignore lets a file through: the last pattern that matches it decides."""
    path = PurePosixPath(name)
    kept = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if not pattern or pattern.startswith("#"):
            continue
        anywhere = line.startswith("**/")
        candidates = path.parts if anywhere else (path.parts[0],)
        if any(PurePosixPath(part).match(pattern) for part in candidates):
            kept = line.startswith("!")
    return kept


def test_the_image_is_small_unprivileged_and_keeps_its_folders(
    image: Image, pyproject: dict[str, Any]
) -> None:
    base = re.fullmatch(r"python:3\.(\d+)-slim", image.last("FROM"))
    assert base is not None
    minimum = re.fullmatch(r">=3\.(\d+)", pyproject["project"]["requires-python"])
    assert minimum is not None
    assert int(base[1]) >= int(minimum[1])
    order = [name for name, _ in image.steps]
    assert image.last("USER") not in ("root", "0")
    assert order.index("USER") < order.index("CMD")
    cache, projects = image.last("VOLUME").split()
    assert {f"SAM2OV_CACHE={cache}", f"SAM2OV_PROJECTS={projects}"} <= set(
        image.last("ENV").split()
    )
    port = image.command[image.command.index("--port") + 1]
    assert image.last("EXPOSE") == port
    assert f":{port}/" in image.last("HEALTHCHECK")
    assert image.command[image.command.index("--host") + 1] == "0.0.0.0"


def test_nothing_but_the_sources_reaches_the_build_context(tracked: tuple[str, ...]) -> None:
    sent = {PurePosixPath(name).parts[0] for name in tracked if _in_build_context(name)}
    assert sent == {"pyproject.toml", "README.md", "LICENSE", "sam2ov", "convert"}
    assert not _in_build_context("sam2ov/ui/__pycache__/app.cpython-312.pyc")


@pytest.fixture(scope="session")
def installed(
    image: Image, tracked: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What COPY and RUN pip leave, in a folder instead of an image; without the dependencies.

    ``make test`` resolves and installs those from the same pyproject.toml, without torch.
    """
    root = tmp_path_factory.mktemp("image")
    for arguments in image.all("COPY"):
        *sources, target = shlex.split(arguments)
        for source in sources:
            names = [name for name in tracked if name == source or name.startswith(f"{source}/")]
            assert names, f"COPY {source}: there is no such file"
            assert all(map(_in_build_context, names))
            for name in names:
                inside = PurePosixPath(name).relative_to(source) if name != source else name
                _copy(ROOT / name, root / target.strip("/") / inside)
    [install] = [run for run in image.all("RUN") if "pip install" in run]
    words = shlex.split(install.split("&&")[0].split("pip install")[1])
    [requirement] = [word for word in words if not word.startswith("-")]
    site = root / "site"
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--target", site)
    where = root / requirement.strip("/")
    _run(sys.executable, "-m", "pip", "install", *options, where)
    return site


@pytest.fixture
def served(image: Image, installed: Path, tmp_path: Path) -> Iterator[int]:
    """The image's command, running from the installed files; the port it was given."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    program, *arguments = image.command
    assert program == "sam2ov"
    replaced = {image.last("EXPOSE"): str(port), "0.0.0.0": "127.0.0.1"}
    arguments = [replaced.get(argument, argument) for argument in arguments]
    start = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); from sam2ov.cli import main; main()"
    )
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", start, *arguments],
            cwd=tmp_path,
            env=os.environ
            | {
                "SAM2OV_CACHE": str(tmp_path / "cache"),
                "SAM2OV_PROJECTS": str(tmp_path / "projects"),
                "BROWSER": "true",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while not _answers(port):
                assert process.poll() is None, (log.seek(0), log.read())[1]
                time.sleep(0.2)
            yield port
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_the_images_command_serves_and_is_healthy(image: Image, served: int) -> None:
    check = json.loads(image.last("HEALTHCHECK").split("CMD", maxsplit=1)[1])
    program, *arguments = [word.replace(image.last("EXPOSE"), str(served)) for word in check]
    assert program == "python"
    _run(sys.executable, *arguments)


# --- the commands ------------------------------------------------------------------------------


def test_ci_runs_make_test(tracked: tuple[str, ...]) -> None:
    _run("bash", "-n", ".ci/run")
    assert _run("git", "ls-files", "--stage", ".ci/run").startswith("100755")
    assert "make test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_make_test_installs_torch_first_and_checks_everything(tmp_path: Path) -> None:
    names = ("TEST_VENV", "RUNTIME_VENV", "NODE_MODULES")
    environments = (f"{name}={tmp_path / name}" for name in names)
    plan = _run("make", "--dry-run", "test", *environments)
    torch, sam2, rest = (plan.index(text) for text in ("wheel torch==", "sam2==", "[test]"))
    assert torch < sam2 < rest
    steps = ("ruff check", "ruff format --check", "mypy", "lint-imports", "tests/convert")
    page = ("npm ci", "tools.page_types --check", "/tsc", "node --test")
    for step in steps + page:
        assert step in plan


def test_make_app_asks_for_a_newer_python(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "app", "PYTHON=false", f"APP_VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "sam2ov needs Python 3.11 or newer" in done.stderr


def test_commit_hooks_run_the_projects_own_tools() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    python = [f".venv-test/bin/{tool}" for tool in ("ruff", "ruff", "mypy", "lint-imports")]
    assert re.findall(r"entry: (\S+)", text) == [*python, "node_modules/.bin/tsc"]


def test_the_pages_tools_are_pinned_and_come_from_no_named_registry() -> None:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert set(package) >= {"private", "devDependencies"}
    assert "dependencies" not in package, "the page itself is made of nothing but its own modules"
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]
    for name, version in package["devDependencies"].items():
        locked = lock["packages"][f"node_modules/{name}"]
        assert locked["version"] == version
        assert locked["integrity"].startswith("sha512-")
    assert all("resolved" not in entry for entry in lock["packages"].values())


def test_types_of_the_page_are_strict_and_nothing_silences_them() -> None:
    options = json.loads((ROOT / "tsconfig.json").read_text(encoding="utf-8"))["compilerOptions"]
    assert options["strict"]
    assert options["checkJs"]
    silenced = re.compile(r"@ts-\w+|\{any\}|<any>|: any\b|\{\*\}|Function\}")
    for path in (ROOT / "sam2ov/ui/web").rglob("*.js"):
        assert silenced.search(path.read_text(encoding="utf-8")) is None, path


def test_test_folders_need_torch_only_where_the_makefile_says() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [listed] = re.findall(r"^TORCH_TESTS := (.+)$", makefile, re.MULTILINE)
    imports = re.compile(r"^\s*(?:import|from) (?:torch|sam2|convert)\b", re.MULTILINE)
    for path in (ROOT / "tests").rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(tuple(listed.split())):
            assert imports.search(path.read_text(encoding="utf-8")) is None, name


@pytest.mark.parametrize("module", ["sam2ov.engine.model", "sam2ov.cli", "sam2ov.ui.server"])
def test_nothing_is_reported_to_anybody(module: str) -> None:
    """OpenVINO would report its import, from a child process of its own."""
    listening = (
        "import socket, sys, time\n"
        "def named(host, *rest, **options):\n"
        "    print('asked for', host, flush=True)\n"
        "    raise OSError('no network here')\n"
        "socket.getaddrinfo = named\n"
        f"import {module}, openvino\n"
        "time.sleep(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", listening], capture_output=True, text=True, check=True
    )
    assert "asked for" not in done.stdout + done.stderr
