"""The fixture: an Amazon ECR for the whole run, empty again for each test."""

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

# Nothing else on the machine may lead a client elsewhere.
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "123456789012",  # 12 digits are the account
    "AWS_SECRET_ACCESS_KEY": "any",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1",
}


class FakeECR:
    def __init__(self, url: str):
        self.url = url

    def reset(self) -> None:
        self._control("POST", "reset")

    def play(self, *rules: dict) -> None:
        self._control("POST", "scenario", {"rules": rules})

    def stop(self) -> None:
        """Stop what is played; a rule that never fired fails the test, as it proved nothing."""
        self._control("DELETE", "scenario")

    def count(self, operation: str) -> int:
        return len(json.loads(self._control("GET", "trace?" + urllib.parse.urlencode({"operation": operation}))))

    def _control(self, method: str, path: str, body: dict | None = None) -> bytes:
        request = urllib.request.Request(
            f"{self.url}/_fakeecr/{path}",
            data=None if method == "GET" else json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request) as response:
                return response.read()
        except urllib.error.HTTPError as refused:
            message = refused.read().decode()
        pytest.fail(f"{method} {path}: {message}", pytrace=False)


@pytest.fixture(scope="session")
def program():
    # From $FAKEECR or the PATH: go install github.com/fakeecr/ecr/fakeecr/cmd/fakeecr@latest
    command = [os.environ.get("FAKEECR", "fakeecr"), "-repository", "team/app"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield FakeECR(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


@pytest.fixture
def fakeecr(program, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", program.url)
    program.reset()
    yield program
    program.stop()
