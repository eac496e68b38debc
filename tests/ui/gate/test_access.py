"""The access token and what stands for it."""

import re

import pytest

from sam2ov.errors import ServerError
from sam2ov.ui.gate.access import AccessToken, without_token

TOKEN = "correct-horse-battery"


def test_a_token_is_made_that_cannot_be_guessed() -> None:
    links = {AccessToken().link("http://localhost:7860/") for _ in range(20)}
    assert len(links) == 20
    assert all(re.fullmatch(r"http://localhost:7860/\?token=[\w-]{32}", link) for link in links)


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 15, "with space in it it", "ünïcode-tökens-här"]
)
def test_tokens_that_can_be_guessed_or_typed_wrongly(token: str) -> None:
    with pytest.raises(ServerError, match="at least 16"):
        AccessToken(token)


def test_who_has_the_token() -> None:
    token = AccessToken(TOKEN)
    assert token.is_known({"authorization": f"Bearer {TOKEN}"})
    assert token.is_known({"authorization": f"bearer  {TOKEN} "})
    assert token.is_in(f"a=1&token={TOKEN}")
    for headers in (
        {}, {"authorization": TOKEN}, {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer "}, {"authorization": f"Bearer {TOKEN}x"},
        {"cookie": f"sam2ov-access={TOKEN}"}, {"cookie": "\x00;;=;"}, {"authorization": "Bearer ü"},
    ):  # fmt: skip
        assert not token.is_known(headers)
    assert not token.is_in("token=")
    assert not token.is_in(f"token={TOKEN.upper()}")


def test_the_cookie_stands_for_the_token_and_does_not_tell_it() -> None:
    token = AccessToken(TOKEN)
    cookie = token.cookie("/", secure=False)
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" in token.cookie("/", secure=True).split("; ")
    assert token.is_known({"cookie": f"other=1; {cookie.split(';')[0]}"})
    assert not AccessToken(TOKEN + "2").is_known({"cookie": cookie.split(";")[0]})


def test_the_token_leaves_the_address() -> None:
    assert without_token(f"a=1&token={TOKEN}&b=2") == "a=1&b=2"
    assert without_token(f"token={TOKEN}") == ""
