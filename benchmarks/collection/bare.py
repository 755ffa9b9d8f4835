"""The least that a server could do with an answer: one INSERT and its COMMIT in Flask, and a page that says hello.

Run by gunicorn: `gunicorn benchmarks.collection.bare:make_app()` with BARE_DSN in the environment.
"""

import os
import threading

import psycopg
from flask import Flask

_own = threading.local()


def make_app() -> Flask:
    """An application of two addresses; each thread keeps one connection."""
    app = Flask("bare")
    dsn = os.environ["BARE_DSN"]

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    @app.get("/insert")
    def insert() -> str:
        connection: psycopg.Connection | None = getattr(_own, "connection", None)
        if connection is None:
            connection = _own.connection = psycopg.connect(dsn)
        connection.execute("INSERT INTO bare (value) VALUES (%s)", ("x" * 200,))
        connection.commit()
        return "stored"

    return app
