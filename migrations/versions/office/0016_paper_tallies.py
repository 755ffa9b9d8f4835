"""Count the forms on paper that each person keys on a day."""

import sqlalchemy as sa
from alembic import op

revision = "office_0016"
down_revision = "office_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paper_tally",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("login", sa.String(80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("second", sa.Integer(), nullable=False),
        sa.Column("agreed", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("alone", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("differing", sa.Integer(), nullable=False),
        sa.Column("was_told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_paper_tally_round_slug"),
        sa.PrimaryKeyConstraint("round_slug", "login", "day", name="pk_paper_tally"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("paper_tally")
