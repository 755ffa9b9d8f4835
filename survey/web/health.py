"""Two addresses for the machines that watch over this one."""

from flask import Blueprint, Response

from survey.services import Services, silent_stores


def make_blueprint(services: Services) -> Blueprint:
    """`/healthz`: this process answers. `/readyz`: its stores answer too, and if not, which of them do not."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        silent = silent_stores(services.stores)
        answer = f"no answer from: {', '.join(silent)}\n" if silent else "ok\n"
        return Response(answer, status=503 if silent else 200, content_type="text/plain; charset=utf-8")

    return blueprint
