"""As much of a browser as the demo needs: requests to one local port, with a cookie jar."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    def json(self) -> dict:
        return json.loads(self.text)


class Client:
    """Follows no redirect: where one leads is what we want to see."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def status(self, path: str) -> int | None:
        """The status of a GET, or None while nobody answers."""
        try:
            return self.get(path).status
        except (OSError, http.client.HTTPException):
            return None

    def get(self, url: str, **headers: str) -> Answer:
        return self.send("GET", url, None, headers)

    def post(self, url: str, form: dict[str, str]) -> Answer:
        return self.send("POST", url, urlencode(form), {"content-type": "application/x-www-form-urlencoded"})

    def send(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> Answer:
        """`url` may be a path or absolute; it goes to our port either way. `_` in a name stands for `-`."""
        parts = urlsplit(url)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"host": f"localhost:{self.port}"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()
        self.keep(answer)
        return answer

    def keep(self, answer: Answer) -> None:
        for line in answer.headers.get_all("set-cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            if value and "max-age=0" not in line.lower():
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
