document.getElementById("request").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const result = document.getElementById("result");
  result.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("result");
    if (found) result.replaceChildren(...found.childNodes);
    else result.textContent = `The server answered ${answer.status}.`;
  } catch {
    result.textContent = "The server did not answer.";
  }
  result.removeAttribute("aria-busy");
  result.focus();
});
