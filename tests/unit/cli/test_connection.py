"""Where the client finds the server and the token, and what it refuses to read."""

import json
import os
from pathlib import Path

import pytest

from suanli_cli.connection import Connection, connection_file, find_connection, read_connection, state_directory
from suanli_cli.errors import NoServer, UsageMistake


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose server wrote its connection file."""
    write(connection_file(tmp_path), json.dumps({"url": "http://127.0.0.1:8470/", "token": "from-file"}))
    return tmp_path


def test_the_connection_file_is_enough(home: Path) -> None:
    assert find_connection("", home, {}) == Connection("http://127.0.0.1:8470", "from-file")


def test_option_goes_before_variable_before_file(home: Path) -> None:
    environment = {"SUANLI_SERVER": "https://variable", "SUANLI_TOKEN": "t"}
    assert find_connection("https://option/", home, environment).url == "https://option"
    assert find_connection("", home, environment).url == "https://variable"


def test_token_of_variable_goes_before_token_file(home: Path, tmp_path: Path) -> None:
    environment = {"SUANLI_TOKEN_FILE": str(write(tmp_path / "token", "from-token-file\n"))}
    assert find_connection("", home, environment).token == "from-token-file"
    assert find_connection("", home, {**environment, "SUANLI_TOKEN": "from-variable"}).token == "from-variable"


def test_a_server_s_token_is_never_sent_to_another_server(home: Path) -> None:
    assert find_connection("http://elsewhere", home, {}).token == ""
    assert find_connection("http://127.0.0.1:8470", home, {}).token == "from-file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_token_that_others_may_read_is_refused(home: Path, tmp_path: Path, mode: int) -> None:
    connection_file(home).chmod(mode)
    with pytest.raises(UsageMistake, match="others may read"):
        read_connection(home)
    token = write(tmp_path / "token", "secret", mode)
    with pytest.raises(UsageMistake, match="others may read"):
        find_connection("http://x", home / "none", {"SUANLI_TOKEN_FILE": str(token)})


def test_no_server_anywhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoServer):
        find_connection("", tmp_path, {})


@pytest.mark.parametrize("text", ["{", "[]", '{"url": "http://x"}', '"http://x"'])
def test_a_connection_file_with_something_else_is_refused(tmp_path: Path, text: str) -> None:
    write(connection_file(tmp_path), text)
    with pytest.raises(UsageMistake, match="does not say"):
        read_connection(tmp_path)


def test_an_address_without_a_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageMistake, match="not a server's address"):
        find_connection("127.0.0.1:8470", tmp_path, {})


def test_a_token_that_could_smuggle_a_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageMistake, match="plain characters"):
        find_connection("http://x", tmp_path, {"SUANLI_TOKEN": "a\r\nX: y"})


def test_state_directory_follows_the_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_directory({"SUANLI_HOME": "/srv/center", "XDG_DATA_HOME": "/data"}) == Path("/srv/center")
    assert state_directory({"XDG_DATA_HOME": "/data"}) == Path("/data/suanli")
    own = Path("/var/lib") if os.geteuid() == 0 else tmp_path / ".local/share"
    assert state_directory({"XDG_DATA_HOME": "relative"}) == own / "suanli"
