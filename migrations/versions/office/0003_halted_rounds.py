"""Add what a round needs to be halted and decided upon: whether it is, since when it is trusted, and who decided."""

import sqlalchemy as sa
from alembic import op

revision = "office_0003"
down_revision = "office_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("round", sa.Column("is_halted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("round", sa.Column("untagged_mark", sa.LargeBinary(32), nullable=True))
    op.create_table(
        "round_decision",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("n_missing", sa.Integer(), nullable=False),
        sa.Column("n_unmarked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("round_slug", "number", name="pk_round_decision"),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_round_decision_round_slug"),
        sa.CheckConstraint("kind IN ('reconciled', 'counts')", name="ck_round_decision_kind"),
    )


def downgrade() -> None:
    op.drop_table("round_decision")
    op.drop_column("round", "untagged_mark")
    op.drop_column("round", "is_halted")
