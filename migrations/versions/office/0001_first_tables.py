"""Create units, questionnaires, rounds, editions, officers and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "office_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unit",
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("name_vi", sa.String(200), nullable=False),
        sa.Column("name_en", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("bloc_code", sa.String(80), nullable=False),
        sa.Column("bloc_name", sa.String(200), nullable=False),
        sa.Column("parent_code", sa.String(40), nullable=False),
        sa.Column("valid_from", sa.Date()),
        sa.Column("valid_to", sa.Date()),
        sa.Column("population", sa.Integer()),
        sa.Column("area_km2", sa.Double()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_unit"),
    )
    op.create_table(
        "succession",
        sa.Column("predecessor_code", sa.String(40), nullable=False),
        sa.Column("successor_code", sa.String(40), nullable=False),
        sa.Column("effective_date", sa.Date(), nullable=False),
        sa.Column("relation", sa.String(10), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("predecessor_code", "successor_code", "effective_date", name="pk_succession"),
        sa.ForeignKeyConstraint(["predecessor_code"], ["unit.code"], name="fk_succession_predecessor_code"),
        sa.ForeignKeyConstraint(["successor_code"], ["unit.code"], name="fk_succession_successor_code"),
        sa.CheckConstraint("relation IN ('merge', 'split', 'rename')", name="ck_succession_relation"),
    )
    op.create_table(
        "questionnaire_version",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_questionnaire_version"),
    )
    op.create_table(
        "round",
        sa.Column("slug", sa.String(60), nullable=False),
        sa.Column("title_vi", sa.String(200), nullable=False),
        sa.Column("title_en", sa.String(200), nullable=False),
        sa.Column("questionnaire_name", sa.String(80), nullable=False),
        sa.Column("questionnaire_version", sa.String(40), nullable=False),
        sa.Column("questionnaire_hash", sa.String(64), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("design_yaml", sa.Text(), nullable=False),
        sa.Column("plan_yaml", sa.Text(), nullable=False),
        sa.Column("issuer_vi", sa.String(200), nullable=False),
        sa.Column("issuer_en", sa.String(200), nullable=False),
        sa.Column("decision", sa.String(200), nullable=False),
        sa.Column("hotline", sa.String(100), nullable=False),
        sa.Column("ballot_public_key", sa.LargeBinary()),
        sa.Column("comments_public_key", sa.LargeBinary()),
        sa.Column("key_fingerprint", sa.String(64)),
        sa.Column("archive_hash", sa.String(64)),
        sa.Column("n_sealed", sa.Integer()),
        sa.Column("n_rejected", sa.Integer()),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name="pk_round"),
        sa.CheckConstraint("state IN ('draft', 'open', 'closed', 'sealed', 'published')", name="ck_round_state"),
        sa.CheckConstraint("opens_on <= closes_on", name="ck_round_dates"),
    )
    op.create_table(
        "round_unit",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("round_slug", "unit_code", name="pk_round_unit"),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_round_unit_round_slug"),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"], name="fk_round_unit_unit_code"),
    )
    op.create_table(
        "edition",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("manifest_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("round_slug", "number", name="pk_edition"),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_edition_round_slug"),
    )
    op.create_table(
        "officer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_officer"),
        sa.UniqueConstraint("login", name="uq_officer_login"),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("action", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
        sa.UniqueConstraint("previous_hash", name="uq_audit_event_previous_hash"),
    )
    op.create_table(
        "instance_key",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_instance_key"),
    )
