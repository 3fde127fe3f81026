// Answers a portal's "client_id session_state" with "unchanged", "changed" or "error" (OpenID Connect Session Management
// 1.0 section 3.2). ECMAScript 5 and nothing that waits: the oldest engine is asked this, too.
(function () {
  "use strict";
  var cookieName = document.querySelector("script[data-cookie]").getAttribute("data-cookie");
  // FIPS 180-4 section 4.2.2: of the first 64 primes, the first 32 bits of what follows the point in their cube roots;
  // section 5.3.3: the same of the first 8, in their square roots.
  var constants = [];
  var initial = [];

  for (var candidate = 2; constants.length < 64; candidate += 1) {
    if (!isPrime(candidate)) continue;
    if (initial.length < 8) initial.push(fraction(Math.sqrt(candidate)));
    constants.push(fraction(Math.pow(candidate, 1 / 3)));
  }

  window.addEventListener("message", function (event) {
    // A page without an origin could not be told from any other, and could not be answered either.
    if (!event.source || !/^https?:\/\//.test(event.origin)) return;
    event.source.postMessage(answer(event.data, event.origin), event.origin);
  });

  function answer(message, origin) {
    var parts = typeof message === "string" ? /^([!-~]{1,100}) ([0-9a-f]{64})\.([!-~]{1,100})$/.exec(message) : null;
    if (!parts) return "error";
    var expected = sha256(parts[1] + " " + origin + " " + browserState() + " " + parts[3]);
    return expected === parts[2] ? "unchanged" : "changed";
  }

  // Read anew every time. Without the cookie it is empty, which no session is.
  function browserState() {
    var pairs = document.cookie.split("; ");
    for (var i = 0; i < pairs.length; i += 1) {
      if (pairs[i].indexOf(cookieName + "=") === 0) return pairs[i].slice(cookieName.length + 1);
    }
    return "";
  }

  function isPrime(number) {
    for (var divisor = 2; divisor * divisor <= number; divisor += 1) if (number % divisor === 0) return false;
    return true;
  }

  function fraction(number) {
    return Math.floor((number - Math.floor(number)) * 4294967296) | 0;
  }

  function turn(word, bits) {
    return (word >>> bits) | (word << (32 - bits));
  }

  // The digest of an ASCII text, in hexadecimal.
  function sha256(text) {
    var words = padded(text);
    var state = initial.slice();
    for (var block = 0; block < words.length; block += 16) compress(state, words.slice(block, block + 16));
    var digest = "";
    for (var i = 0; i < 8; i += 1) digest += ("0000000" + (state[i] >>> 0).toString(16)).slice(-8);
    return digest;
  }

  function padded(text) {
    var length = ((text.length + 8) >> 6) * 16 + 16;
    var words = [];
    for (var i = 0; i < length; i += 1) words.push(0);
    for (var j = 0; j < text.length; j += 1) words[j >> 2] |= (text.charCodeAt(j) & 255) << (24 - (j % 4) * 8);
    words[text.length >> 2] |= 128 << (24 - (text.length % 4) * 8);
    words[length - 1] = text.length * 8;
    return words;
  }

  // FIPS 180-4 section 6.2.2; `state` is changed in place.
  function compress(state, schedule) {
    for (var t = 16; t < 64; t += 1) {
      var early = schedule[t - 15];
      var late = schedule[t - 2];
      var sigma0 = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
      var sigma1 = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
      schedule.push((schedule[t - 16] + sigma0 + schedule[t - 7] + sigma1) | 0);
    }
    var v = state.slice();
    for (var round = 0; round < 64; round += 1) {
      var sum1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25);
      var choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      var first = (v[7] + sum1 + choice + constants[round] + schedule[round]) | 0;
      var sum0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22);
      var majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      v = [(first + sum0 + majority) | 0, v[0], v[1], v[2], (v[3] + first) | 0, v[4], v[5], v[6]];
    }
    for (var i = 0; i < 8; i += 1) state[i] = (state[i] + v[i]) | 0;
  }
})();
