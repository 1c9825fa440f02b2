"""Makes hashes with the libraries of Django, passlib and Werkzeug, and checks hashes with them.

The input is {"do": "make", "password": ...} or {"do": "check", "right": ..., "wrong": ...,
"hashes": {...}}.
"""

import base64
import hashlib
import hmac
import json
import sys

from django.conf import settings

MODULE = "django.contrib.auth.hashers."
HASHERS = [
    "PBKDF2PasswordHasher",
    "PBKDF2SHA1PasswordHasher",
    "Argon2PasswordHasher",
    "BCryptPasswordHasher",
    "BCryptSHA256PasswordHasher",
]
settings.configure(PASSWORD_HASHERS=[MODULE + h for h in HASHERS])

from django.contrib.auth import hashers  # noqa: E402, it reads the settings
from passlib.hash import pbkdf2_sha1, pbkdf2_sha256, pbkdf2_sha512  # noqa: E402
from werkzeug import security  # noqa: E402

PASSLIB = [pbkdf2_sha1, pbkdf2_sha256, pbkdf2_sha512]


def django_scrypt(password, salt, n, r, p):
    """The lines of ScryptPasswordHasher.encode of Django 5.2; Debian 12 has Django 3.2."""
    h = hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p, dklen=64)
    return "scrypt$%d$%s$%d$%d$%s" % (n, salt, r, p, base64.b64encode(h).decode())


def werkzeug_scrypt(password, salt, n, r, p):
    """The lines of _hash_internal of Werkzeug 3.1; Debian 12 has Werkzeug 2.2."""
    h = hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p, maxmem=132 * n * r * p)
    return "scrypt:%d:%d:%d$%s$%s" % (n, r, p, salt, h.hex())


def make(password):
    made = {"Django " + h.algorithm: hashers.make_password(password, hasher=h.algorithm) for h in hashers.get_hashers()}
    made.update({"passlib " + h.name: h.using(rounds=1000).hash(password) for h in PASSLIB})
    for name in "sha1", "sha256", "sha512":
        made["Werkzeug " + name] = security.generate_password_hash(password, "pbkdf2:%s:1000" % name)
    made["Django scrypt"] = django_scrypt(password, "x5QyIgfHZ9uR0SnJ4cDaBt", 1 << 14, 8, 1)
    made["Werkzeug scrypt"] = werkzeug_scrypt(password, "j8XXGVSBCdzeXduG", 1 << 15, 8, 1)
    return made


def check(name, password, stored):
    library, form = name.split(" ", 1)
    if name == "Django scrypt":
        _, n, salt, r, p, _ = stored.split("$")
        assert len(salt) == 22
        return hmac.compare_digest(django_scrypt(password, salt, int(n), int(r), int(p)), stored)
    if name == "Werkzeug scrypt":
        costs, salt, _ = stored.split("$")
        assert len(salt) == 16
        return hmac.compare_digest(werkzeug_scrypt(password, salt, *map(int, costs.split(":")[1:])), stored)
    if library == "Django":
        # A sign-in would hash again. The argon2-cffi of Debian 12 does so for its shorter digests.
        assert form == "argon2" or not hashers.get_hasher(form).must_update(stored)
        return hashers.check_password(password, stored)
    if library == "passlib":
        return next(h for h in PASSLIB if h.identify(stored)).verify(password, stored)
    return security.check_password_hash(stored, password)


asked = json.load(sys.stdin)
if asked["do"] == "make":
    json.dump(make(asked["password"]), sys.stdout)
else:
    json.dump({n: [check(n, asked[p], h) for p in ("right", "wrong")] for n, h in asked["hashes"].items()}, sys.stdout)
