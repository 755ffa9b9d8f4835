"""Keep previews with their approvals and objections, work in the background, and what was decided of comments."""

import sqlalchemy as sa
from alembic import op

revision = "office_0009"
down_revision = "office_0008"
branch_labels = None
depends_on = None


def _of_preview(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["round_slug", "number", "attempt"],
        ["preview.round_slug", "preview.number", "preview.attempt"],
        name=f"fk_{table}_round_slug_number_attempt",
    )


def _of_round(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name=f"fk_{table}_round_slug")


def _key_of_preview() -> tuple[sa.Column[str], sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "preview",
        *_key_of_preview(),
        sa.Column("manifest_hash", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("prepared_by", sa.String(200), nullable=False),
        sa.Column("prepared_on", sa.Date(), nullable=False),
        sa.Column("publish_from", sa.Date(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _of_round("preview"),
        sa.PrimaryKeyConstraint("round_slug", "number", "attempt", name="pk_preview"),
        sa.CheckConstraint("state IN ('current', 'withdrawn', 'published')", name="ck_preview_state"),
    )
    op.create_table(
        "preview_approval",
        *_key_of_preview(),
        sa.Column("officer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=False),
        _of_preview("preview_approval"),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_preview_approval_officer_id"),
        sa.PrimaryKeyConstraint("round_slug", "number", "attempt", "officer_id", name="pk_preview_approval"),
    )
    op.create_table(
        "objection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.String(200), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.String(200), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=True),
        _of_preview("objection"),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"], name="fk_objection_unit_code"),
        sa.PrimaryKeyConstraint("id", name="pk_objection"),
        sa.CheckConstraint("outcome IN ('open', 'rejected', 'noted', 'upheld')", name="ck_objection_outcome"),
    )
    op.create_table(
        "job",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("started_by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("hard_source", sa.LargeBinary(), nullable=True),
        sa.Column("languages", sa.String(10), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("n_done", sa.Integer(), nullable=False),
        sa.Column("n_documents", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("failures", sa.Text(), nullable=False),
        sa.Column("complaint", sa.Text(), nullable=False),
        sa.Column("complaint_kind", sa.String(40), nullable=False),
        _of_round("job"),
        sa.PrimaryKeyConstraint("round_slug", name="pk_job"),
        sa.CheckConstraint("kind IN ('publish', 'preview')", name="ck_job_kind"),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="ck_job_state"),
    )
    op.create_table(
        "comment_review",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("item", sa.String(80), nullable=False),
        sa.Column("theme", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reviewed_by", sa.String(200), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=False),
        _of_round("comment_review"),
        sa.PrimaryKeyConstraint("round_slug", "place", name="pk_comment_review"),
        sa.CheckConstraint("state IN ('released', 'withheld')", name="ck_comment_review_state"),
    )


def downgrade() -> None:
    for table in ("comment_review", "job", "objection", "preview_approval", "preview"):
        op.drop_table(table)
