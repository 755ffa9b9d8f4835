// The code of an invitation rides behind the # of its address, which no server and no log sees; here it moves into its field.
"use strict";
const field = document.getElementById("invitation");
const code = decodeURIComponent(location.hash.slice(1));
if (field && code && !field.value) {
  field.value = code;
  history.replaceState(null, "", location.pathname + location.search);
}
