package password

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
)

const vectorPassword = "correct horse é"

// Libraries made the vectors for vectorPassword, at the lowest costs that they take.
//
//nolint:gochecknoglobals // a constant table
var vectors = map[string]struct{ stored, text string }{
	// Werkzeug 3.1.8: generate_password_hash(password, method).
	"Werkzeug, SHA-1":           {"pbkdf2:sha1:1000$PSr817llEbfRRbSK$6456e7bff7cc4884c52827a2aef3d711a0b02223", "w1:1000"},
	"Werkzeug, SHA-256":         {"pbkdf2:sha256:1000$fTbEAC6cmEM0j1Ga$7c88ba0bf20eb2c8fb6757bee37f6224c6f629042840b4c05db68ce302a11776", "w2:1000"},
	"Werkzeug, SHA-512":         {"pbkdf2:sha512:1000$Nen4PEHEYDZ3TSSu$34a10f0b10f366de8e30c41106f4aa7ec9cb49ab03d512b6ca9c6bcc95d150920479de477795e25a6bc93396cb295703e35364cb811c64e803060a5f5b26d345", "w5:1000"},
	"Werkzeug, scrypt":          {"scrypt:1024:8:1$j8XXGVSBCdzeXduG$669c85dfd6be8bd5d60ef1e4e0c128b007640d17dda8588313a9d06376828c33cb717ec8b4101a13676b0979d37666ec810b82d523d9b84987ae22c2e1355539", "wc:1024,8,1"},
	"Werkzeug, scrypt, default": {"scrypt:32768:8:1$Yd1igE3xkvtup86Z$f0f3f7396c5e790a93d48269bb702b62902e358fe37d19e7d490ebdcc0e2e5410286148c7aca8b61ce10b18608e6cdca3e785ee47a3b7ca71144bca144b5839f", "wc:32768,8,1"},
	// better-auth 1.7.25: hashPassword of better-auth/crypto.
	"better-auth": {"01b124096f086a1ae54832d101f8f4df:24d1a154d2d8bd6e0b8c1acba5daccd03b8890cbbdc3cd3f0ff96241818277be76bcaf041ea2d6832cc8b1948553fcc1c7d404af47feac269813395dc6c760ab", "bc:16384,16,1"},
	// PHP 8.2.36, with the lines of wp_hash_password of WordPress 6.8.
	"WordPress": {"$wp$2y$04$z9YBNBnS5P4SnDJ/G9ZWN.nq2iEpO4bFs9YZbL0UIGIwqezMyBr1y", "wp:2y04"},
	// bcryptjs 3.0.3: hashSync, behind Spring Security's prefix.
	"Spring, bcrypt": {"{bcrypt}$2b$04$qFYO9rgvmRfLfEPXx.4IN.o8r4EO.3bgqQ0CWaKfvTXSQ7UQWnzb2", "sb:2b04"},
	// aspnetcore-identity-password-hasher 1.0.1: new PasswordHasher(1000).hashPassword.
	"Identity, SHA-256": {"AQAAAAEAAAPoAAAAEFHwF806ZCJ2ghXXb8s/Mze7MrM2PHog/UwTUSZGpbMrc0ke1j3tv1mxTf2gPN2mVw==", "n2:1000"},
	// Django 3.2.25: encode of each hasher, with bcrypt 3.2.2 and argon2-cffi 21.1.0.
	"Django, SHA-256":       {"pbkdf2_sha256$1000$FHMNpDeYcK7bUWn3Khne83$BOR3hxUvFAxQNSK9bOqIjYOqDDI9jkcXB2aPPMzdvsA=", "d2:1000"},
	"Django, SHA-1":         {"pbkdf2_sha1$1000$yqU2bLnRmv1DaEdr0kPDZx$rNHkTIbZU7Bs5tBohsvzRE7ts50=", "d1:1000"},
	"Django, Argon2":        {"argon2$argon2id$v=19$m=64,t=1,p=2$TGlCVUZPVUNiazBNWGN4S2JGN25Lag$31yLimoj9lX5rijx8AUW7w", "da:64,1,2"},
	"Django, bcrypt":        {"bcrypt$$2b$04$gaJbuuNrYYQRW95oe0nYvuK.ZE2YzU1G9Shk21kkZzoA3U/H/eC3m", "db:2b04"},
	"Django, bcrypt sha256": {"bcrypt_sha256$$2b$04$zosrqNMjib33XB.hFaQVle2ouIZ2mTT6P88Nwc.6MBUJzrCkgFP1.", "ds:2b04"},
	// passlib 1.7.4: using(rounds=1000).hash(password).
	"passlib, SHA-1":   {"$pbkdf2$1000$SKmVsjbG.N/bm/O.937vPQ$zxtaDN8DIe/3GkoZrzvXBbqvzik", "p1:1000"},
	"passlib, SHA-256": {"$pbkdf2-sha256$1000$8J7T2hujNGZsTeld6/3f.w$iR/fyed51DZGa1HnJNGCdjhi/CUwRLiV9wKE2pXaC34", "p2:1000"},
	"passlib, SHA-512": {"$pbkdf2-sha512$1000$AqBUypkzxhjj3Ftrbe197w$W2vODle1HOcy9K6GbG7A9Smtx/.vQjUAfqPyFHKk58VDJPWJt.Pz8.9LRCNMMrMc93.en.YGJCexnhvtobXfLA", "p5:1000"},
	// argon2-cffi 21.1.0, behind Spring Security's prefixes.
	"Spring, Argon2":      {"{argon2}$argon2id$v=19$m=64,t=1,p=1$2iJfeDGNoylbs23lbDCtFA$8J6lVl1vxVysuPuYCYb9QA", "sa:64,1,1"},
	"Spring, Argon2, 5.8": {"{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=64,t=1,p=1$2iJfeDGNoylbs23lbDCtFA$8J6lVl1vxVysuPuYCYb9QA", "s5:64,1,1"},
	// Python's hashlib, in the layout of each library's source: Django 5.2, ASP.NET Core 9 and
	// Spring Security 6.
	"Django, scrypt":      {"scrypt$1024$x5QyIgfHZ9uR0SnJ4cDaBt$8$5$AFzQrRKTnkjcFMvdBBCS7KDc9LOCUdnaaiwpKmg7opsU97uCmtasvNI5K5pNwhMoEE0qprB77qqqw0Rt/AcMBQ==", "dc:1024,8,5"},
	"Identity, SHA-1":     {"AQAAAAAAAAPoAAAAEP8x9A/WxEjBFeEnjRBeMyn8AiIH72ABg0TyystkZm/A1LAqIA0g61+1M+6di/llmg==", "n1:1000"},
	"Identity, SHA-512":   {"AQAAAAIAAAPoAAAAEI4qn/zpjjjNgs38KT4dCaRw5MBgzgM/bwSxksTZhLgSYYWKVTelFLSttJEyOFFPcQ==", "n5:1000"},
	"Spring, scrypt, 5.8": {"{scrypt@SpringSecurity_v5_8}$100801$rr/d0JGDQuAadi3cijAb0A==$JEKIa7Mc+gF0urub015ILnmsA5/B68szqVfsVzRq2ds=", "s8:65536,8,1"},
	"Spring, scrypt":      {"{scrypt}$a0801$f8COUAmuvyA5qFUg3m51XJaxx9Tv5Ip4M5/JTRRb6NqaU/GIm8PwTUEJzNPG2k3XCfP1RazY86t0QmcgK9a6CA==$SxhygxuqE0eko+hvhuelxmMkP24EA4iIlbRojrvsIAw=", "sc:1024,8,1"},
}

// Each spelling and each prefix has a vector.
func TestEveryFormHasAVector(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, v := range vectors {
		name, _, _ := strings.Cut(v.text, ":")
		names[name] = true
	}
	for _, s := range spellings {
		if !names[s.name] {
			t.Errorf("%s has none", s.name)
		}
	}
	for _, p := range prefixes {
		if !names[p.name] {
			t.Errorf("%s has none", p.name)
		}
	}
	if len(names) != len(spellings)+len(prefixes) {
		t.Errorf("two forms share a name: %v", names)
	}
}

// Each form is read, is made, and keeps its text. The account store takes the new hash for the old.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifies(t, v.stored, vectorPassword)
			like, err := Like(v.stored)
			if err != nil || Text(like) != v.text {
				t.Fatalf("like %+v, %q, %v, want %q", like, Text(like), err, v.text)
			}
			if again, err := Parse(v.text); err != nil || again != like {
				t.Errorf("parsed %+v, %v, want %+v", again, err, like)
			}
			made := like.Hash(passphrase, salt)
			verifies(t, made, passphrase)
			if was, is := account.Form(v.stored), account.Form(made); was != is {
				t.Errorf("the form was %q, and is %q", was, is)
			}
			if again := like.Hash(passphrase, salt); again != made {
				t.Errorf("%s, then %s", made, again)
			}
			if other := like.Hash(passphrase, []byte("fedcba9876543210")); other == made {
				t.Error("another salt gives the same hash")
			}
			if again, err := Like(made); err != nil || again != like {
				t.Errorf("%s is like %+v, %v", made, again, err)
			}
			sample := Sample(like)
			if again, err := Like(sample); err != nil || again != like || len(sample) != len(made) || sample == Sample(like) {
				t.Errorf("the sample %s is like %+v, %v", sample, again, err)
			}
		})
	}
}

func verifies(t *testing.T, stored, right string) {
	t.Helper()
	for password, want := range map[string]bool{right: true, right + "!": false, "": false} {
		if got, err := Verify(stored, password); err != nil || got != want {
			t.Errorf("Verify(%s, %q) = %v, %v, want %v", stored, password, got, err, want)
		}
	}
}

// A library refuses these, or they cost too much. None is read, and none is made.
func TestRefusedForms(t *testing.T) {
	t.Parallel()
	werkzeug, better := vectors["Werkzeug, scrypt"].stored, vectors["better-auth"].stored
	pbkdf2, digest := vectors["Werkzeug, SHA-256"].stored, strings.Repeat("A", 43)+"="
	for name, stored := range map[string]string{
		"no iterations":          strings.Replace(pbkdf2, ":1000", ":0", 1),
		"too many iterations":    strings.Replace(pbkdf2, ":1000", ":4000001", 1),
		"an absurd number":       strings.Replace(pbkdf2, ":1000", ":99999999999999999999", 1),
		"a leading zero":         strings.Replace(pbkdf2, ":1000", ":01000", 1),
		"a sign":                 strings.Replace(pbkdf2, ":1000", ":+1000", 1),
		"another function":       strings.Replace(pbkdf2, "sha256", "md5", 1),
		"the digest of another":  strings.Replace(pbkdf2, "sha256", "sha512", 1),
		"cut":                    pbkdf2[:len(pbkdf2)-2],
		"longer":                 pbkdf2 + "00",
		"a line break":           pbkdf2 + "\n",
		"upper case":             strings.Replace(pbkdf2, "7c88ba", "7C88BA", 1),
		"no salt":                strings.Replace(pbkdf2, "fTbEAC6cmEM0j1Ga", "", 1),
		"a long salt":            strings.Replace(pbkdf2, "fTbEAC6cmEM0j1Ga", strings.Repeat("x", maxSalt+1), 1),
		"N of no power":          strings.Replace(werkzeug, "1024", "1023", 1),
		"N of one":               strings.Replace(werkzeug, "1024", "1", 1),
		"no r":                   strings.Replace(werkzeug, "1024:8:1", "1024:0:1", 1),
		"no p":                   strings.Replace(werkzeug, "1024:8:1", "1024:8:0", 1),
		"much memory":            strings.Replace(werkzeug, "1024:8:1", "524288:8:1", 1),
		"much work":              strings.Replace(werkzeug, "1024:8:1", "131072:8:5", 1),
		"a large r":              strings.Replace(werkzeug, "1024:8:1", "2:65:1", 1),
		"a large p":              strings.Replace(werkzeug, "1024:8:1", "2:8:17", 1),
		"a salt of no hex":       "g" + better[1:],
		"a salt in upper case":   "A" + better[1:],
		"a short salt of hex":    better[2:],
		"an empty salt of hex":   better[32:],
		"salt and key swapped":   better[33:] + ":" + better[:32],
		"Spring, leading zero":   "{scrypt}$0e0801$c2FsdHNhbHRzYWx0c2FsdA==$" + digest,
		"Spring, much":           "{scrypt}$1f0801$c2FsdHNhbHRzYWx0c2FsdA==$" + digest,
		"Spring, unpadded":       "{scrypt}$e0801$c2FsdHNhbHRzYWx0c2FsdA$" + digest,
		"Spring, a longer key":   "{scrypt}$e0801$c2FsdHNhbHRzYWx0c2FsdA==$" + strings.Repeat("A", 88),
		"a prefix twice":         "{bcrypt}" + vectors["Spring, bcrypt"].stored,
		"a prefix of another":    "$wp" + vectors["Spring, bcrypt"].stored[len("{bcrypt}"):],
		"a prefix alone":         "{bcrypt}",
		"Spring's PBKDF2":        "{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72445e8ef6bf3b508fbf17fa4ed4d6b99ca763d8dc",
		"Identity 2":             identityOf(0, 2, 1000, 16, 48),
		"Identity, PRF 3":        identityOf(1, 3, 1000, 16, 48),
		"Identity, cut":          identityOf(1, 2, 1000, 16, 47),
		"Identity, longer":       identityOf(1, 2, 1000, 16, 49),
		"Identity, short salt":   identityOf(1, 2, 1000, 15, 47),
		"Identity, a huge salt":  identityOf(1, 2, 1000, 255, 48),
		"Identity, iterations":   identityOf(1, 2, 0, 16, 48),
		"Identity, no base64":    "!" + identityOf(1, 2, 1000, 16, 48)[1:],
		"Identity, header alone": identityOf(1, 2, 1000, 16, 0),
	} {
		if ok, err := Verify(stored, vectorPassword); ok || !errors.Is(err, ErrHash) {
			t.Errorf("%s: %v, %v, want ErrHash", name, ok, err)
		}
		if h, err := Like(stored); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: like %+v, %v", name, h, err)
		}
	}
	if _, err := Like(identityOf(1, 2, 1000, 16, 48)); err != nil {
		t.Errorf("the good one of Identity: %v", err)
	}
}

// identityOf is a hash of ASP.NET Core Identity with a body of zeros.
func identityOf(version, prf byte, iterations uint16, saltSize byte, body int) string {
	head := []byte{version, 0, 0, 0, prf, 0, 0, byte(iterations >> 8), byte(iterations), 0, 0, 0, saltSize}
	return base64.StdEncoding.EncodeToString(append(head, make([]byte, body)...))
}

// A text is in its only spelling. A library with one setting is never given another.
func TestParseForms(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"d2:", ":", "d2", "d2:0", "d2:01000", "d2:1000,1", "d2:4000001", "d9:1000", "dc:16384", "dc:16384,8", "dc:16384,8,1,1",
		"bc:", "bc:16384,8,1", "wc:3,8,1", "sb:", "sb:64,1,1", "sa:2a10", "wp:2a10", "wp:2b10", "sb:2a15", "sb:sb:2a10", "sb:d2:1000", "db:d2:1000",
	} {
		if h, err := Parse(text); !errors.Is(err, ErrUnsupported) || h != nil {
			t.Errorf("%q: %+v, %v", text, h, err)
		}
	}
}

// Unreadable costs behind a prefix become the defaults, and a link says them.
func TestPrefixBeforeDamage(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{"argon2$argon2id$m=64": "da:19456,2,1", "{bcrypt}$2a$": "sb:2a12"} {
		like, err := Like(stored)
		if err != nil || Text(like) != want {
			t.Fatalf("%s: %q, %v", stored, Text(like), err)
		}
		if again, err := Parse(want); err != nil || again.Hash(passphrase, salt) != like.Hash(passphrase, salt) {
			t.Errorf("%s: parsed %+v, %v", stored, again, err)
		}
	}
}

// security 13: a form takes a password whole, or bounds it.
func TestFormsBoundPasswords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"db:2b04": 72, "sb:2a04": 72, "ds:2b04": 0, "wp:2y04": 0, "sa:64,1,1": 0, "d2:1": 0, "wc:2,8,1": 0} {
		h, err := Parse(text)
		if err != nil || h.MaxBytes() != want {
			t.Errorf("%s: %+v, %v", text, h, err)
			continue
		}
		if longest := strings.Repeat("x", DefaultMaxBytes); want == 0 {
			verifies(t, h.Hash(longest, salt), longest)
		}
	}
}

// A sign-in changes the password before it hashes it: better-auth to NFKC, WordPress without spaces
// around it.
func TestFormsNormalize(t *testing.T) {
	t.Parallel()
	for text, spellings := range map[string][2]string{"bc:16384,16,1": {"cafe\u0301 ﬁn", "café fin"}, "wp:2y04": {" two words\t", "two words"}} {
		h, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for i, typed := range spellings {
			made := h.Hash(typed, salt)
			if ok, err := Verify(made, spellings[1-i]); !ok || err != nil {
				t.Errorf("%s: %q is not %q: %v", text, typed, spellings[1-i], err)
			}
		}
	}
}

// The vector is of PHP 8.2.36: hash_hmac over addslashes of the password.
func TestWordPressKeepsSlashes(t *testing.T) {
	t.Parallel()
	if got, want := wordPress(`a'b"c\d `), "BOKnymlSo4vhTGYvOYvKmn3Oq0HkWJYhWGvLAqtnCy+VWeTKtoXk6IlqG+hPdWz1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A salt of letters keeps all of 16 bytes where it has 22.
func TestLetters(t *testing.T) {
	t.Parallel()
	ones := []byte(strings.Repeat("\xff", 16))
	for n, want := range map[int][2]string{22: {"0000000000000000000000", "7n42DGM5Tflk9n8mt7Fhc7"}, 16: {"0000000000000000", "M5Tflk9n8mt7Fhc7"}} {
		if zeros, full := string(letters(make([]byte, 16), n)), string(letters(ones, n)); zeros != want[0] || len(full) != n || !strings.EqualFold(full, want[1]) {
			t.Errorf("%d letters: %s and %s", n, zeros, full)
		}
	}
}

func TestAdviceOnForms(t *testing.T) {
	t.Parallel()
	for text, weak := range map[string]bool{
		"d1:1300000": false, "d1:1299999": true, "d2:600000": false, "p2:599999": true, "n5:210000": false, "w5:209999": true,
		"wc:131072,8,1": false, "wc:65536,8,2": false, "wc:65536,8,1": true, "dc:16384,8,5": false, "dc:16384,8,4": true, "bc:16384,16,1": true,
		"sb:2a10": false, "sb:2a09": true, "da:19456,2,1": false, "da:19456,1,1": true,
	} {
		h, err := Parse(text)
		if err != nil || (Advice(h) != "") != weak {
			t.Errorf("%s: %q, %v", text, Advice(h), err)
		}
	}
}

// FuzzForms: a form that is read is affordable, and is written as it was.
func FuzzForms(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.stored)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		s, h, ok := readSpelled(stored)
		if !ok {
			return
		}
		if s.Check() != nil || len(h.salt) > maxSalt || s.as.write(h) != stored {
			t.Errorf("%q is read", stored)
		}
		if again, err := Parse(Text(s)); err != nil || again != Hasher(s) {
			t.Errorf("%q has the text %q", stored, Text(s))
		}
	})
}
