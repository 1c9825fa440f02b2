// Makes blocklist.txt: the 3,000 commonest passwords of at least 8 characters, then
// all of at least 15 that are not among them, in order of frequency.
//
//	npm pack @zxcvbn-ts/language-common@4.1.3
//	tar xzf zxcvbn-ts-language-common-4.1.3.tgz
//	node make_blocklist.js package/src/passwords.json > blocklist.txt
const list = require(require("path").resolve(process.argv[2])).map((p) => p.normalize("NFKC").toLowerCase());
const length = (p) => [...p].length;
const commonest = [...new Set(list.filter((p) => length(p) >= 8))].slice(0, 3000);
const long = [...new Set(list.filter((p) => length(p) >= 15))].filter((p) => !commonest.includes(p));
console.log([...commonest, ...long].join("\n"));
