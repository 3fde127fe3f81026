// Sends the page's form on by itself, in words that the oldest engine knows (ECMAScript 5): what stands still here is
// somebody's sign-in.
(function () {
  "use strict";
  var form = document.querySelector("form[data-submit-now]");
  var arrivals = window.performance && performance.getEntriesByType ? performance.getEntriesByType("navigation") : [];
  // Who comes back to a page that sends itself on wants to stay, not to be sent on again.
  if (!form || (arrivals.length && arrivals[0].type === "back_forward")) return;
  if (form.requestSubmit) form.requestSubmit();
  else form.submit();
})();
