"""An application with django.contrib.auth. It reads a request in JSON and writes its answer in JSON."""

import json
import os
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="a secret of Django's sessions, for a test",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PGHOST"],
            "NAME": os.environ["PGDATABASE"],
            "USER": os.environ["PGUSER"],
        }
    },
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import authenticate, get_user, get_user_model, login
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.http import HttpRequest


def with_session(cookie=None):
    request = HttpRequest()
    request.session = SessionStore(session_key=cookie)
    return request


def migrate(asked):
    call_command("migrate", verbosity=0)


def sign_up(asked):
    get_user_model().objects.create_user(asked["email"], asked["email"], asked["password"])


def sign_in(asked):
    request = with_session()
    user = authenticate(request, username=asked["email"], password=asked["password"])
    if user is None:
        return {"status": 401}
    login(request, user)
    request.session.save()
    return {"status": 200, "cookie": request.session.session_key}


def session(asked):
    user = get_user(with_session(asked["cookie"]))
    return {"email": user.email if user.is_authenticated else ""}


asked = json.load(sys.stdin)
answers = {"migrate": migrate, "signUp": sign_up, "signIn": sign_in, "session": session}
json.dump(answers[asked["do"]](asked) or {}, sys.stdout)
