"""Where the pages of signing in and of one's own account are, in every area that has them."""

from flask import Blueprint

from survey.services import Services
from survey.web.accounts.entry import EntryPages
from survey.web.accounts.oidc_pages import OidcPages
from survey.web.accounts.own_account import AccountPages
from survey.web.accounts.passkey_pages import PasskeyPages
from survey.web.accounts.session import Area


def add_account_pages(blueprint: Blueprint, services: Services, area: Area) -> None:
    """Give an area its pages of signing in and out, and of what people change about their own way in."""
    entry, account = EntryPages(services, area), AccountPages(services, area)
    passkeys, oidc = PasskeyPages(services, area), OidcPages(services, area)
    both = ["GET", "POST"]
    add = blueprint.add_url_rule
    add("/sign-in", "sign_in", entry.sign_in, methods=both)
    add("/sign-in/code", "sign_in_code", entry.code, methods=both)
    add("/sign-in/passkey", "sign_in_passkey", passkeys.sign_in, methods=["POST"])
    add("/oidc", "oidc", oidc.begin, methods=["GET"])
    add("/oidc/back", "oidc_back", oidc.back, methods=["GET"])
    add("/sign-out", "sign_out", entry.sign_out, methods=["POST"])
    add("/account", "account", account.account, methods=["GET"])
    add("/account/password", "password", account.password, methods=both)
    add("/account/second-factor", "second_factor", account.second_factor, methods=both)
    add("/account/recovery-codes", "recovery_codes", account.recovery_codes, methods=both)
    add("/account/passkeys", "passkeys", passkeys.passkeys, methods=both)
    add("/account/passkeys/<key>", "passkey_removed", passkeys.remove, methods=both)
    add("/account/sessions", "sessions", account.sessions, methods=both)
