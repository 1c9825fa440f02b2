// Solves a puzzle in ALTCHA's format: which number after the salt has this SHA-256? It runs as a
// worker, so that the page stays awake.
onmessage = async ({ data: { salt, challenge, maxNumber } }) => {
  const bytes = new TextEncoder();
  for (let number = 0; number <= maxNumber; number++) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.encode(salt + number)));
    if (Array.from(hash, (b) => b.toString(16).padStart(2, "0")).join("") === challenge) return postMessage(number);
  }
  postMessage(-1);
};
