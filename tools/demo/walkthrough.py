"""What a person would do with the demo, step by step, and what must be seen at each."""

import re
from urllib.parse import quote, urlsplit

from client import Client


class Unexpected(Exception):
    """A step of the walk showed something else than it should."""


def walk(client: Client, origin: str, email: str, password: str) -> None:
    """Refused, signed in, recognised, signed out, refused again; `Unexpected` at the first surprise."""
    page = dict(accept="text/html", sec_fetch_mode="navigate")

    answer = client.get("/orders/me")
    expect("the API without a session answers 401 with JSON", 401, answer.status)
    expect("  and its body is ours", {"message": "Not authenticated"}, answer.json())
    answer = client.get("/orders/me", x_auth_user_id="u-1815", x_auth_user_email=email)
    expect("a forged identity header is no session", 401, answer.status)

    answer = client.get("/dashboard?tab=1", **page)
    login = f"{origin}/api/auth/signin?callbackUrl={quote(f'{origin}/dashboard?tab=1', safe='')}"
    expect("a page without a session redirects", 307, answer.status)
    expect("  to the login, and back afterwards", login, answer.headers["location"])

    form = client.get(answer.headers["location"], **page)
    expect("the login shows its form", 200, form.status)
    fields = {"csrfToken": csrf_token(form.text), "callbackUrl": f"{origin}/dashboard?tab=1", "email": email}
    answer = client.post("/api/auth/callback/credentials", fields | {"password": "wrong"})
    back = urlsplit(answer.headers["location"]).path
    expect("a wrong password leads back to the login", "/api/auth/signin", back)
    expect("  and gives no session", 401, client.get("/orders/me").status)
    answer = client.post("/api/auth/callback/credentials", fields | {"password": password})
    expect("the right one leads to the page", fields["callbackUrl"], answer.headers["location"])

    dashboard = client.get(answer.headers["location"], **page)
    expect("the page is there", 200, dashboard.status)
    expect("  and knows who reads it", True, "Ada Lovelace" in dashboard.text and email in dashboard.text)
    answer = client.get("/orders/me", x_auth_user_id="eve", x_auth_user_email="eve@example.com")
    expect("the other service answers", 200, answer.status)
    ada = {"id": "u-1815", "email": email}
    expect("  and knows who asks, whatever was forged", ada, answer.json()["user"])
    expect("the home page knows it too", True, "Ada Lovelace" in client.get("/", **page).text)

    client.post("/api/auth/signout", {"csrfToken": csrf_token(dashboard.text), "callbackUrl": "/"})
    expect("after signing out the page redirects again", 307, client.get("/dashboard", **page).status)
    expect("  and the API answers 401", 401, client.get("/orders/me").status)


def expect(what: str, wanted: object, seen: object) -> None:
    if seen != wanted:
        raise Unexpected(f"{what.strip()}: not so.\n  wanted {wanted!r}\n  saw    {seen!r}")
    print(f"ok  {what}")


def csrf_token(page: str) -> str:
    found = re.search(r'name="csrfToken" value="([^"]+)"', page)
    if not found:
        raise Unexpected("the page has no form with a csrfToken")
    return found[1]
