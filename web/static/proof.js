// Solves a puzzle in ALTCHA's format: which number after the salt has this SHA-256? It runs as a
// worker, so that the page stays awake.
onmessage = async ({ data: { salt, challenge, maxNumber } }) => {
  const text = new TextEncoder();
  const want = challenge.match(/../g).map((byte) => parseInt(byte, 16));
  for (let number = 0; number <= maxNumber; number++) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text.encode(salt + number)));
    if (want.every((byte, i) => byte === hash[i])) return postMessage(number);
  }
  postMessage(-1);
};
