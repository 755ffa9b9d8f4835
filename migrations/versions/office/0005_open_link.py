"""Let a round take answers without a code: how many a unit takes a day, and how many it was given today."""

import sqlalchemy as sa
from alembic import op

revision = "office_0005"
down_revision = "office_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # None is what says that answers need a code, as they did in every round before.
    op.add_column("round", sa.Column("open_link_cap", sa.Integer(), nullable=True))
    op.create_table(
        "open_link_day",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("admitted", sa.Integer(), nullable=False),
        sa.Column("admitted_slowly", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("round_slug", "unit_code", name="pk_open_link_day"),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_open_link_day_round_slug"),
    )


def downgrade() -> None:
    op.drop_table("open_link_day")
    op.drop_column("round", "open_link_cap")
