package account_test

import (
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
)

// forms are stored hashes, as applications write them, and their forms.
func forms() map[string]string {
	const bcrypt = "12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq"
	return map[string]string{
		"": "", "old": "", "5f4dcc3b5aa765d61d8327deb882cf99": "",
		"$2a$" + bcrypt: "$2a$", "$2b$" + bcrypt: "$2b$", "$2y$" + bcrypt: "$2y$", "$2x$" + bcrypt: "$2x$", "$2$" + bcrypt: "$2$",
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA": "$argon2id$", "$argon2i$v=19$m=65536,t=4,p=1$c2FsdA$aGFzaA": "$argon2i$",
		"$1$salt$hash": "$1$", "$6$rounds=5000$salt$hash": "$6$", "$y$j9T$salt$hash": "$y$", "$P$Bsaltdigest": "$P$", "$P$B$x": "$P$",
		"$pbkdf2-sha256$29000$salt$hash": "$pbkdf2-sha256$", "$bcrypt-sha256$v=2,t=2b,r=12$salt$hash": "$bcrypt-sha256$",
		"$wp$2y$" + bcrypt:                    "$wp$2y$",
		"pbkdf2_sha256$600000$salt$aGFzaA==":  "pbkdf2_sha256$",
		"scrypt$salt$16384$8$1$aGFzaA==":      "scrypt$",
		"sha1$a1976$hash":                     "sha1$",
		"md5$salt$hash":                       "md5$",
		"argon2$argon2id$v=19$m=102400,t=2$s": "argon2$argon2id$",
		"bcrypt_sha256$$2b$" + bcrypt:         "bcrypt_sha256$$2b$", "bcrypt$$2b$" + bcrypt: "bcrypt$$2b$",
		"pbkdf2:sha256:600000$salt$hash": "pbkdf2:sha256:", "scrypt:32768:8:1$salt$hash": "scrypt:",
		"{bcrypt}$2a$" + bcrypt: "{bcrypt}$2a$", "{argon2}$argon2id$v=19$m=1,t=2,p=1$s$h": "{argon2}$argon2id$",
		"{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=1,t=2,p=1$s$h": "{argon2@SpringSecurity_v5_8}$argon2id$",
		"{scrypt}$e0801$salt$hash":                                   "{scrypt}", "{scrypt@SpringSecurity_v5_8}$100801$salt$hash": "{scrypt@SpringSecurity_v5_8}",
		"$pbkdf2$131000$salt$hash": "$pbkdf2$",
		"{pbkdf2}abcdef":           "{pbkdf2}", "{SSHA}c2FsdA==": "{SSHA}", "{CRYPT}$6$salt$hash": "{CRYPT}$6$",
		"AQAAAAIAAYagAAAAEG1h": "AQAAAA", // ASP.NET Core Identity 3
		"AAB1h2RjWg":           "",       // and 2
		"c3f1a8b3:9d2b1c4e":    "",       // better-auth: salt, key
		"Xk29sLq8Wz$5f4dcc3b":  "",       // a salt of letters before the digest
		"$":                    "", "$$": "", "{}": "", "{bcrypt": "",
		"sha5:" + strings.Repeat("v", 40) + ":": "sha5:", // no name is that long
	}
}

// A form names the format and holds nothing else.
func TestForm(t *testing.T) {
	t.Parallel()
	for credential, want := range forms() {
		if got := account.Form(credential); got != want {
			t.Errorf("%s: the form is %q, want %q", credential, got, want)
		}
	}
}

// FuzzForm: a form is short, a beginning of the hash, and the form of itself. So it does not
// depend on the text behind it.
func FuzzForm(f *testing.F) {
	for credential := range forms() {
		f.Add(credential)
	}
	f.Fuzz(func(t *testing.T, credential string) {
		form := account.Form(credential)
		if !strings.HasPrefix(credential, form) || len(form) > 120 {
			t.Errorf("%q: the form is %q", credential, form)
		}
		if again := account.Form(form); again != form {
			t.Errorf("%q: the form is %q, whose form is %q", credential, form, again)
		}
	})
}
