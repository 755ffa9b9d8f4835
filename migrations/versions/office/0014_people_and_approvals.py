"""Keep how officers are invited, what one asked and another approved, and who had a preview prepared."""

import sqlalchemy as sa
from alembic import op

revision = "office_0014"
down_revision = "office_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "office_person",
        sa.Column("officer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("invitation_mark", sa.LargeBinary(32), nullable=True),
        sa.Column("invited_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("oidc_issuer", sa.String(200), nullable=True),
        sa.Column("oidc_subject", sa.String(255), nullable=True),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_office_person_officer_id"),
        sa.PrimaryKeyConstraint("officer_id", name="pk_office_person"),
        sa.UniqueConstraint("invitation_mark", name="uq_office_person_invitation_mark"),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject", name="uq_office_person_oidc_issuer_oidc_subject"),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("act", sa.String(10), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_approval_round_slug"),
        sa.ForeignKeyConstraint(["asked_by"], ["officer.id"], name="fk_approval_asked_by"),
        sa.ForeignKeyConstraint(["decided_by"], ["officer.id"], name="fk_approval_decided_by"),
        sa.PrimaryKeyConstraint("id", name="pk_approval"),
        sa.CheckConstraint("act IN ('seal', 'codes')", name="ck_approval_act"),
        sa.CheckConstraint("state IN ('asked', 'approved', 'refused', 'withdrawn', 'used')", name="ck_approval_state"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="ck_approval_two_people"),
    )
    op.add_column("preview", sa.Column("preparer_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("preview", "preparer_id")
    for table in ("approval", "office_person"):
        op.drop_table(table)
