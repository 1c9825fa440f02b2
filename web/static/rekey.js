// The pages work without this file; it adds five comforts.

// 1. The token leaves the address bar at once, so that nobody reads it over a
// shoulder, copies it along with the address or finds it in a screenshot. It
// stays in the state of this one history entry. That survives a reload and Back,
// is sent nowhere, and is read by no script of another page, as sessionStorage
// would be; a fragment would stay visible. A reload asks for the page without
// the token, and that page comes back here to go where the token says.
const { cleanUrl } = document.documentElement.dataset;
if (cleanUrl) {
  const token = location.pathname.slice(cleanUrl.length + 1);
  const kept = history.state?.token;
  if (token) history.replaceState({ token }, "", cleanUrl);
  else if (kept) location.replace(cleanUrl + "/" + kept);
}

// 2. Fields: show what was typed, compare it before it is sent, send it once, and keep it no
// longer. A browser may keep the whole page alive for Back, with what was typed and the script.
function helpWith(form) {
  const [password, confirm] = form.querySelectorAll("[autocomplete=new-password]");
  const show = form.querySelector("[data-show]");
  const button = form.querySelector("button");
  const token = form.elements.token?.value;
  const { page } = form.dataset;
  const shown = (yes) => { password.type = confirm.type = yes ? "text" : "password"; };
  const forget = () => {
    if (!show) return;
    show.querySelector("input").checked = false;
    shown(false);
    password.value = confirm.value = "";
  };
  // A form that was refused takes the address of the page that has it, so that a reload and Back
  // ask for that page and do not post once more.
  if (location.pathname !== page) history.replaceState(token ? { token } : null, "", page);
  if (show) {
    show.hidden = false;
    show.addEventListener("change", (e) => shown(e.target.checked));
    form.addEventListener("input", () => {
      confirm.setCustomValidity(confirm.value === password.value ? "" : form.dataset.mismatch);
    });
  }
  form.addEventListener("submit", () => {
    // A text field would be kept among the browser's form entries.
    if (show) shown(false);
    button.disabled = true;
    setTimeout(forget); // when the browser has read what it sends
  });
  addEventListener("pagehide", forget);
  addEventListener("pageshow", (e) => {
    button.disabled = false;
    if (e.persisted && token) location.replace(page + "/" + token);
  });
}

// 3. A page that waits asks until there is something else to show.
async function poll(link) {
  for (;;) {
    await new Promise((done) => setTimeout(done, 2000));
    try {
      const answer = await fetch(link.href);
      if (answer.status === 202 || answer.status === 429 || answer.status >= 500) continue;
      return location.replace(answer.url);
    } catch {
      // Offline for a moment; ask again.
    }
  }
}

// 4. While too many people ask, a page solves a puzzle and then asks again, once.
function solve(form) {
  const { solver, algorithm, salt, challenge, signature, maxNumber } = form.dataset;
  if (!window.Worker || !window.isSecureContext) return;
  const note = document.querySelector("[data-solving]");
  const alert = document.querySelector("#problem");
  const button = form.querySelector("button");
  const busy = (yes) => {
    note.hidden = !yes;
    alert.hidden = button.disabled = yes;
  };
  const worker = new Worker(solver);
  worker.onerror = () => busy(false);
  worker.onmessage = ({ data: number }) => {
    if (number < 0) return busy(false);
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "challenge";
    field.value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
    form.append(field);
    form.submit();
  };
  busy(true);
  worker.postMessage({ salt, challenge, maxNumber: Number(maxNumber) });
}

// 5. An error is read out, and times are the reader's own.
addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("form").forEach(helpWith);
  document.querySelectorAll("form[data-solver]").forEach(solve);
  document.querySelectorAll("[data-poll]").forEach(poll);
  document.querySelector("[data-focus]")?.focus();
  document.querySelectorAll("time").forEach((time) => {
    const { lang } = document.documentElement;
    const day = "date" in time.dataset ? { dateStyle: "long", timeStyle: "short" } : { hour: "numeric", minute: "2-digit" };
    time.textContent = new Date(time.dateTime).toLocaleString(lang === "en" ? [] : lang + "-u-nu-latn", day);
  });
});
