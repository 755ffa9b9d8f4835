"""Keep the last run of each round's plan, and who approved its figures."""

import sqlalchemy as sa
from alembic import op

revision = "office_0011"
down_revision = "office_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "analysis_run",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("started_by", sa.String(200), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("manifest_hash", sa.String(64), nullable=False),
        sa.Column("figures_hash", sa.String(64), nullable=False),
        sa.Column("complaint", sa.Text(), nullable=False),
        sa.Column("complaint_kind", sa.String(40), nullable=False),
        sa.Column("hard_source", sa.LargeBinary(), nullable=True),
        sa.Column("approved_by", sa.String(200), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_analysis_run_round_slug"),
        sa.PrimaryKeyConstraint("round_slug", name="pk_analysis_run"),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="ck_analysis_run_state"),
    )


def downgrade() -> None:
    op.drop_table("analysis_run")
