"""Add who holds a round's key: the custodians with the public points of their shares, and how many are needed."""

import sqlalchemy as sa
from alembic import op

revision = "office_0004"
down_revision = "office_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rounds that are there keep their key on the machine, and none is what says so.
    op.add_column("round", sa.Column("shares_needed", sa.Integer(), nullable=True))
    op.create_table(
        "custodian",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("share_key", sa.LargeBinary(65), nullable=False),
        sa.Column("tried_on", sa.Date(), nullable=True),
        sa.Column("destroyed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("round_slug", "number", name="pk_custodian"),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_custodian_round_slug"),
        sa.UniqueConstraint("round_slug", "name", name="uq_custodian_round_slug_name"),
    )


def downgrade() -> None:
    op.drop_table("custodian")
    op.drop_column("round", "shares_needed")
