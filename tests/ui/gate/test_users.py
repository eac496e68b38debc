"""The file of users: nobody can read a password or key in it, and a wrong line is said."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sam2ov.cli import app
from sam2ov.errors import ServerError
from sam2ov.ui.gate.users import Users, UsersFile

PASSWORD = "four words in a row"


def test_a_password_is_known_and_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "users"
    Users().with_password("anna", PASSWORD).with_password("bob", PASSWORD).write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert PASSWORD not in text
    assert len({line.partition(":")[2] for line in text.splitlines()}) == 2, "salted"
    users = Users.read(path)
    assert users.is_password("anna", PASSWORD)
    assert not users.is_password("anna", PASSWORD + "x")
    assert not users.is_password("nobody", PASSWORD)
    assert not users.is_password("anna", "")
    assert not users.with_password("anna", "another password").is_password("anna", PASSWORD)


def test_keys_are_known_and_cannot_be_read(tmp_path: Path) -> None:
    users, first = Users().with_new_key("anna")
    users, second = users.with_new_key("bob")
    users.write(tmp_path / "users")
    read = Users.read(tmp_path / "users")
    assert (read.owner_of(first), read.owner_of(second)) == ("anna", "bob")
    assert read.owner_of(first + "x") is None
    assert first not in (tmp_path / "users").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "anna",
        "anna:password",
        "an na:key:" + "0" * 64,
        "anna:key:" + "0" * 63,
        "\x1b[31m:key:1",
        ":",
    ],
)
def test_a_line_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users"
    path.write_text(f"# who may\n\n{text}\n")
    with pytest.raises(ServerError, match="Line 3 of") as caught:
        Users.read(path)
    assert str(caught.value).isprintable()


def test_expensive_numbers_are_no_password(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_text(f"anna:scrypt:9999999:99:99:{'0' * 32}:{'0' * 64}\n")
    assert not Users.read(path).is_password("anna", PASSWORD)


def test_names_and_passwords_have_rules() -> None:
    for name in ("", "-a", "a b", "a:b", "é", "x" * 101, "../a"):
        with pytest.raises(ServerError, match="Nobody can be called"):
            Users().with_password(name, PASSWORD)
    for password in ("short", "x" * 1025):
        with pytest.raises(ServerError, match="at least 10"):
            Users().with_password("anna", password)


def test_a_running_server_notices_changes(tmp_path: Path) -> None:
    path = tmp_path / "users"
    Users().with_password("anna", PASSWORD).write(path)
    file = UsersFile(path)
    Users.read(path).with_password("bob", PASSWORD).write(path)
    assert file.users.passwords.keys() == {"anna", "bob"}
    path.write_text("nonsense")
    assert file.users.passwords.keys() == {"anna", "bob"}
    with pytest.raises(ServerError, match="cannot be read"):
        UsersFile(tmp_path / "none")


def test_the_command_writes_it(tmp_path: Path) -> None:
    path, runner = tmp_path / "users", CliRunner()
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    assert runner.invoke(app, ["users", "add", "anna", str(path)], input=typed).exit_code == 0
    result = runner.invoke(app, ["users", "key", "anna", str(path)])
    key = result.stdout.splitlines()[-1]
    users = Users.read(path)
    assert users.is_password("anna", PASSWORD)
    assert users.owner_of(key) == "anna"
    assert runner.invoke(app, ["users", "add", "a b", str(path)], input=typed).exit_code == 1
