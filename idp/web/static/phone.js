// Asks for the page again every two seconds and changes it in its place: the code, and then what comes of it. Whoever
// listens to the page hears of it only when there is something to do. ECMAScript 5, like send.js.
(function () {
  "use strict";
  var AGAIN_AFTER_MILLISECONDS = 2000;
  var place = document.getElementById("phone");
  var told = document.getElementById("phone-status");
  if (!place || !told || !window.XMLHttpRequest) return;
  window.setTimeout(ask, AGAIN_AFTER_MILLISECONDS);

  function ask() {
    var request = new XMLHttpRequest();
    request.open("GET", window.location.href);
    request.responseType = "document";
    request.onload = function () {
      show(request.status === 200 ? request.responseXML : null);
    };
    request.onerror = again; // without a network the next answer may come
    request.send();
  }

  function again() {
    window.setTimeout(ask, AGAIN_AFTER_MILLISECONDS);
  }

  function show(page) {
    var next = page && page.getElementById("phone");
    if (!next) {
      window.location.reload(); // it is over, or the sign-in has gone on: the page itself knows where
      return;
    }
    var changed = next.getAttribute("data-state") !== place.getAttribute("data-state");
    var code = place.querySelector(".phone-code");
    if (!changed && code) code.parentNode.replaceChild(document.adoptNode(next.querySelector(".phone-code")), code);
    if (changed) change(page, next);
    if (place.getAttribute("data-state") !== "type") again();
  }

  function change(page, next) {
    next = document.adoptNode(next);
    place.parentNode.replaceChild(next, place);
    place = next;
    told.textContent = page.getElementById("phone-status").textContent;
    var number = document.getElementById("number");
    if (number) number.focus();
  }
})();
