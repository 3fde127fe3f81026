// Comfort only: every page works without this file.
"use strict";

const TRY_AGAIN_AFTER_MILLISECONDS = 8000;

// A second click on a form that is on its way must not send it twice.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    event.submitter?.classList.add("on-its-way");
    setTimeout(() => release(form), TRY_AGAIN_AFTER_MILLISECONDS);
  });
}

// The back button may show a page as it was left: its forms are free again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form[data-once]").forEach(release);
});

function release(form) {
  delete form.dataset.sent;
  form.querySelectorAll(".on-its-way").forEach((button) => button.classList.remove("on-its-way"));
}
