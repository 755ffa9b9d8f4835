"""Keep forms on paper between their two entries: sealed under their codes, without a time or an order."""

import sqlalchemy as sa
from alembic import op

revision = "frame_0002"
down_revision = "frame_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paper_entry",
        sa.Column("tag", sa.LargeBinary(32), nullable=False),
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tag", name="pk_paper_entry"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_paper_entry_round_slug", "paper_entry", ["round_slug"])


def downgrade() -> None:
    op.drop_table("paper_entry")
