"""Keep the units' own people, their passkeys, receipts, promises, and whom a notice was sent to."""

import sqlalchemy as sa
from alembic import op

revision = "office_0008"
down_revision = "office_0007"
branch_labels = None
depends_on = None


def _of_edition(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["round_slug", "edition_number"],
        ["edition.round_slug", "edition.number"],
        name=f"fk_{table}_round_slug_edition_number",
    )


def upgrade() -> None:
    op.add_column("officer_session", sa.Column("way", sa.String(10), nullable=False, server_default="password"))
    op.create_table(
        "unit_person",
        sa.Column("officer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("invitation_mark", sa.LargeBinary(32), nullable=True),
        sa.Column("invited_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("oidc_issuer", sa.String(200), nullable=True),
        sa.Column("oidc_subject", sa.String(255), nullable=True),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_unit_person_officer_id"),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"], name="fk_unit_person_unit_code"),
        sa.PrimaryKeyConstraint("officer_id", name="pk_unit_person"),
        sa.UniqueConstraint("invitation_mark", name="uq_unit_person_invitation_mark"),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject", name="uq_unit_person_oidc_issuer_oidc_subject"),
    )
    op.create_table(
        "passkey",
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False),
        sa.Column("officer_id", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("added_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_passkey_officer_id"),
        sa.PrimaryKeyConstraint("credential_id", name="pk_passkey"),
    )
    op.create_table(
        "receipt",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("edition_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("officer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        _of_edition("receipt"),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_receipt_officer_id"),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"], name="fk_receipt_unit_code"),
        sa.PrimaryKeyConstraint("round_slug", "edition_number", "officer_id", name="pk_receipt"),
    )
    op.create_table(
        "scorecard_notice",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("edition_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("officer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        _of_edition("scorecard_notice"),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_scorecard_notice_officer_id"),
        sa.PrimaryKeyConstraint("round_slug", "edition_number", "officer_id", name="pk_scorecard_notice"),
    )
    op.create_table(
        "promise",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("node", sa.String(80), nullable=False),
        sa.Column("text", sa.String(600), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("made_by", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("outcome", sa.String(600), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=False),
        sa.CheckConstraint("state IN ('planned', 'under_way', 'done', 'dropped')", name="ck_promise_state"),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"], name="fk_promise_unit_code"),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_promise_round_slug"),
        sa.PrimaryKeyConstraint("id", name="pk_promise"),
    )


def downgrade() -> None:
    # The logins of units' people are nobody's then: without their table they would be officers.
    op.execute("DELETE FROM recovery_code WHERE officer_id IN (SELECT id FROM officer WHERE role = 'unit')")
    op.execute("DELETE FROM second_factor WHERE officer_id IN (SELECT id FROM officer WHERE role = 'unit')")
    op.execute("DELETE FROM officer_session WHERE officer_id IN (SELECT id FROM officer WHERE role = 'unit')")
    for table in ("promise", "scorecard_notice", "receipt", "passkey", "unit_person"):
        op.drop_table(table)
    op.execute("DELETE FROM officer WHERE role = 'unit'")
    op.drop_column("officer_session", "way")
