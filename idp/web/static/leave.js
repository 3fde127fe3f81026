// Goes on to where the page's link leads when portals have had time enough to be told, whether or not all of them have
// answered: the browser goes on by itself only when the last of them has. ECMAScript 5, like send.js.
(function () {
  "use strict";
  var link = document.querySelector("a[data-leave-after]");
  if (!link) return;
  window.setTimeout(function () {
    window.location.replace(link.href);
  }, Number(link.getAttribute("data-leave-after")));
})();
