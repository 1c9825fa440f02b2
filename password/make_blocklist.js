// Makes blocklist.txt: for every minimum length from 8 up, the 3,000 commonest
// passwords of that length or more, folded as the package folds them, commonest first.
//
//	npm pack @zxcvbn-ts/language-common@4.1.3
//	tar xzf zxcvbn-ts-language-common-4.1.3.tgz
//	node make_blocklist.js package/src/passwords.json > blocklist.txt
const source = require(require("path").resolve(process.argv[2]));
const folded = new Set(source.map((p) => p.normalize("NFKC").toLowerCase()));
const commoner = []; // by length: how many of at least that length came before
for (const p of folded) {
  const length = [...p].length;
  if (length < 8 || (commoner[length] ?? 0) >= 3000) continue;
  console.log(p);
  for (let n = 8; n <= length; n++) commoner[n] = (commoner[n] ?? 0) + 1;
}
