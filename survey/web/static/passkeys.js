// Passkeys: the page says what to ask a device, this asks it and sends what it answered with an ordinary form.
"use strict";
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const asked = {
  create: (options) => ({ ...options, challenge: toBytes(options.challenge), user: { ...options.user, id: toBytes(options.user.id) } }),
  get: (options) => ({ ...options, challenge: toBytes(options.challenge) }),
};
const spelled = (credential) => {
  const response = { clientDataJSON: toText(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
};
if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    document.querySelector("[data-without]")?.remove();
    form.addEventListener("submit", async (event) => {
      if (form.elements.answer.value) return;
      event.preventDefault();
      const complaint = form.querySelector("[role=alert]");
      complaint.hidden = true;
      try {
        const kind = form.dataset.passkey;
        const credential = await navigator.credentials[kind]({ publicKey: asked[kind](JSON.parse(form.dataset.options)) });
        form.elements.answer.value = spelled(credential);
        form.submit();
      } catch {
        complaint.hidden = false;
      }
    });
  }
}
