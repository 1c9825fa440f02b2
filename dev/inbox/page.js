// Shows new mails as they come. The open mail stays as it is: only the list is
// replaced. Without scripts the page works, and a reload shows what is new.
"use strict";

const changes = new EventSource("/events");

async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["list", "count"]) {
    const shown = document.getElementById(id), now = page.getElementById(id);
    // What is the same stays, and with it the focus.
    if (!shown.isEqualNode(now)) shown.replaceWith(now);
  }
  document.title = page.title;
}

changes.onmessage = refresh;
// The browser connects again by itself; what came in between must be asked for.
changes.onopen = refresh;
